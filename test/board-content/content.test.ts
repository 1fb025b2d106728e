import fc from 'fast-check'
import { marked } from 'marked'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { toMarkdown } from '../../src/boards/content/markdown.ts'
import { operate } from '../../src/boards/content/operate.ts'
import { BoardPicture } from '../../src/boards/content/picture.ts'
import { project, toJson } from '../../src/boards/content/project.ts'
import { restore } from '../../src/boards/content/restore.ts'
import { fragmentOf, plainText, writeText } from '../../src/boards/content/text.ts'
import { initialUpdate } from '../../src/boards/template.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { randomOperation } from './arbitraries.ts'

const author = { userId: '01HYN8FXZ2W6X8K6YTNPEKXYM7', at: new Date() }
const board = () => {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, initialUpdate('Dub'))
  return doc
}
const tryAll = (doc: Y.Doc, operations: any[]) => {
  for (const operation of operations) {
    try {
      operate(doc, [operation], author)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
    }
  }
}
/** A tiptap element with marked text. */
const element = (name: string, children: (Y.XmlElement | Y.XmlText)[], attributes: Record<string, any> = {}) => {
  const made = new Y.XmlElement(name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.insert(0, children)
  return made
}
const rich = (...delta: object[]) => {
  const text = new Y.XmlText()
  text.applyDelta(delta)
  return text
}

test('[CARD-10] plain text and paragraphs turn into each other without loss', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'bc', '', ' ', '🎸')),
      fc.array(fc.constantFrom('a', 'x', '')),
      (one, two) => {
        const doc = new Y.Doc()
        const map = doc.getMap('m')
        map.set('text', fragmentOf(one.join('\n')))
        const fragment = map.get('text') as Y.XmlFragment
        expect(plainText(fragment)).toBe(one.join('\n'))
        writeText(fragment, two.join('\n'))
        expect(plainText(fragment)).toBe(two.join('\n'))
      },
    ),
  )
  const doc = new Y.Doc()
  const fragment = doc.getXmlFragment('f')
  fragment.insert(0, [
    element('paragraph', [rich({ insert: 'bold', attributes: { bold: true } }, { insert: ' plain' })]),
    element('paragraph', [rich({ insert: 'second' })]),
    element('bulletList', [element('listItem', [element('paragraph', [rich({ insert: 'item' })])])]),
  ])
  expect(plainText(fragment)).toBe('bold plain\nsecond\nitem')
  writeText(fragment, 'bold plain\nchanged\nitem')
  expect(fragment.toString()).toBe(
    '<paragraph><bold>bold</bold> plain</paragraph><paragraph>changed</paragraph><bulletlist><listitem><paragraph>item</paragraph></listitem></bulletlist>',
  )
})

test('[CARD-11] whatever foreign clients write, the picture, Markdown and operations work', () => {
  const foreign = fc.oneof(
    fc.constantFrom<any>(null, 0, true, 'text', [], { a: 1 }, new Uint8Array(2)),
    fc.constantFrom('map', 'array', 'text', 'fragment', 'element', 'deep'),
  )
  const make = (kind: any): any => {
    if (kind === 'map') return new Y.Map([['id', 3]])
    if (kind === 'array') return Y.Array.from([1])
    if (kind === 'text') return new Y.Text('t')
    if (kind === 'fragment') return fragmentOf('f')
    if (kind === 'element') return new Y.XmlElement('paragraph')
    if (kind === 'deep') return new Y.XmlFragment()
    return kind
  }
  /** As a hostile client could: level by level. Yjs itself removes by recursion, which ends at some 3,000 levels. */
  const deepen = (value: unknown) => {
    let node = value as Y.XmlFragment
    for (let depth = 0; depth < 1_500; depth++) {
      const child = new Y.XmlElement('blockquote')
      node.insert(0, [child])
      node = child
    }
  }
  const keys = ['id', 'title', 'order', 'columnId', 'description', 'assignees', 'labels', 'checklist', 'dueAt', 'body']
  const write = fc.record({
    root: fc.constantFrom('board', 'columns', 'cards', 'notes'),
    id: fc.constantFrom('a', 'todo', '__proto__', 'n', 'title'),
    key: fc.option(fc.constantFrom(...keys), { nil: undefined }),
    value: foreign,
  })
  fc.assert(
    fc.property(
      fc.array(write, { maxLength: 12 }),
      fc.array(randomOperation, { maxLength: 12 }),
      (writes, operations) => {
        const doc = board()
        for (const { root, id, key, value } of writes) {
          const map = doc.getMap(root)
          const thing = map.get(id)
          if (key && thing instanceof Y.Map) thing.set(key, make(value))
          else if (key) map.set(id, new Y.Map([[key, make(value)]]))
          else map.set(id, make(value))
          if (value === 'deep') doc.transact(() => deepen(key ? (map.get(id) as Y.Map<unknown>).get(key) : map.get(id)))
        }
        tryAll(doc, operations)
        expect(BoardPicture.safeParse(project(doc)).error).toBeUndefined()
        expect(toMarkdown(doc)).toMatch(/^# /)
        const empty = board()
        restore(empty, doc)
        expect(toJson(empty)).toEqual(toJson(doc))
      },
    ),
    { numRuns: 60 },
  )
})

test('[CARD-12] restoring makes a document hold what another does, and leaves alone what is the same', () => {
  const operations = fc.array(randomOperation, { maxLength: 25 })
  fc.assert(
    fc.property(operations, operations, (one, two) => {
      const doc = board()
      tryAll(doc, one)
      const wanted = new Y.Doc()
      Y.applyUpdate(wanted, Y.encodeStateAsUpdate(doc))
      tryAll(doc, two)
      restore(doc, wanted)
      expect(toJson(doc)).toEqual(toJson(wanted))
      const before = Y.encodeStateAsUpdate(doc)
      expect(restore(doc, wanted)).toBe(false)
      expect(Y.encodeStateAsUpdate(doc)).toEqual(before)
    }),
    { numRuns: 50 },
  )
})

test('[CARD-13] an edit made while a version is restored merges with it', () => {
  const doc = board()
  operate(doc, [{ op: 'card.add', cardId: 'a', columnId: 'todo', title: 'A', description: 'one\ntwo' }], author)
  const wanted = new Y.Doc()
  Y.applyUpdate(wanted, Y.encodeStateAsUpdate(doc))
  operate(doc, [{ op: 'card.move', cardId: 'a', columnId: 'done' }], author)
  const other = new Y.Doc()
  Y.applyUpdate(other, Y.encodeStateAsUpdate(doc))
  operate(
    other,
    [
      { op: 'card.update', cardId: 'a', title: 'B' },
      { op: 'note.add', noteId: 'n', title: 'N' },
    ],
    author,
  )
  restore(doc, wanted)
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(other))
  const { columns, notes } = project(doc)
  expect(columns[0]!.cards).toMatchObject([{ id: 'a', title: 'B', columnId: 'todo', description: 'one\ntwo' }])
  expect(notes).toMatchObject([{ id: 'n' }])
})

test('[CARD-14] Markdown says what the board says, with marks, lists and signs that mean themselves', () => {
  const doc = board()
  operate(
    doc,
    [{ op: 'card.add', cardId: 'a', columnId: 'todo', title: '*Not* <b>bold</b> # 1', labels: ['x_y_z'] }],
    author,
  )
  operate(
    doc,
    [
      {
        op: 'card.update',
        cardId: 'a',
        checklist: [
          { text: 'Done one', done: true },
          { text: 'Open', done: false },
        ],
      },
    ],
    author,
  )
  const description = (doc.getMap('cards').get('a') as Y.Map<any>).get('description') as Y.XmlFragment
  description.insert(0, [
    element('heading', [rich({ insert: 'Head' })], { level: 2 }),
    element('paragraph', [
      rich({ insert: 'bold ', attributes: { bold: true } }, { insert: 'x `y`', attributes: { code: true } }),
      rich({ insert: 'site', attributes: { link: { href: 'https://example.com/a(b)' } } }),
    ]),
    element('orderedList', [
      element('listItem', [element('paragraph', [rich({ insert: 'first' })])]),
      element('listItem', [element('paragraph', [rich({ insert: 'second' })])]),
    ]),
    element('codeBlock', [rich({ insert: 'a ``` b' })]),
    element('paragraph', [rich({ insert: '1. not a list' })]),
  ])
  const text = toMarkdown(doc)
  const html = marked.parse(text) as string
  for (const part of [
    '<h1>Dub</h1>',
    '<h2>To do</h2>',
    '<h3>*Not* &lt;b&gt;bold&lt;/b&gt; # 1</h3>',
    'Labels: x_y_z',
    '<h5>Head</h5>',
    '<strong>bold</strong>',
    '<code>x `y`</code>',
    '<a href="https://example.com/a(b)">site</a>',
    '<ol>\n<li>first</li>\n<li>second</li>\n</ol>',
    'a ``` b',
    '<p>1. not a list</p>',
    'type="checkbox"',
  ]) {
    expect(html).toContain(part)
  }
  expect(html.match(/checked=""/g)).toHaveLength(1)
})
