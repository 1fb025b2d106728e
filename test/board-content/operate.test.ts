import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { operate } from '../../src/boards/content/operate.ts'
import { Operation, Operations } from '../../src/boards/content/operations.ts'
import { keyAt } from '../../src/boards/content/order.ts'
import { project } from '../../src/boards/content/project.ts'
import { initialUpdate } from '../../src/boards/template.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { randomOperation } from './arbitraries.ts'

const author = { userId: '01HYN8FXZ2W6X8K6YTNPEKXYM7', at: new Date('2026-01-02T03:04:05.678Z') }
const board = (title = 'Dub') => {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, initialUpdate(title))
  return doc
}
const run = (doc: Y.Doc, ...operations: z[]) => operate(doc, Operations.parse(operations), author)
type z = Record<string, unknown>
const titles = (doc: Y.Doc, columnId: string) =>
  project(doc)
    .columns.find(({ id }) => id === columnId)!
    .cards.map(({ title }) => title)
const codeOf = (act: () => unknown) => {
  try {
    act()
    return 'ok'
  } catch (error) {
    if (error instanceof AppError) return error.code
    throw error
  }
}

test('[CARD-01] a new board has To do, Doing and Done, from the same bytes each time, which harm nothing twice', () => {
  expect(initialUpdate('Dub')).toEqual(initialUpdate('Dub'))
  const doc = board()
  const before = Y.encodeStateAsUpdate(doc)
  Y.applyUpdate(doc, initialUpdate('Dub'))
  expect(Y.encodeStateAsUpdate(doc)).toEqual(before)
  Y.applyUpdate(doc, initialUpdate('Other title'))
  const { title, columns } = project(doc)
  expect(['Dub', 'Other title']).toContain(title)
  expect(columns.map((column) => column.title)).toEqual(['To do', 'Doing', 'Done'])
  expect(doc.getMap('board').get('version')).toBe(1)
})

test('[CARD-02] the ten operations do what they say, and name what they changed', () => {
  const doc = board()
  const added = run(
    doc,
    { op: 'card.add', cardId: 'a', columnId: 'todo', title: 'A', description: 'one\ntwo', labels: ['x'], dueAt: null },
    { op: 'card.add', cardId: 'b', columnId: 'todo', title: 'B', beforeId: 'a' },
    {
      op: 'card.add',
      columnId: 'todo',
      title: 'C',
      checklist: [
        { id: 'i', text: 'I' },
        { text: 'J', done: true },
      ],
    },
  )
  const c = added.ids[2]!
  expect(added).toEqual({ ids: ['a', 'b', c], cardIds: ['a', 'b', c], columnIds: [], noteIds: [] })
  expect(titles(doc, 'todo')).toEqual(['B', 'A', 'C'])
  const [, cardA, cardC] = project(doc).columns[0]!.cards
  expect(cardA).toMatchObject({
    description: 'one\ntwo',
    labels: ['x'],
    dueAt: null,
    createdBy: author.userId,
    createdAt: '2026-01-02T03:04:05.678Z',
  })
  expect(cardC!.checklist.map(({ text, done }) => [text, done])).toEqual([
    ['I', false],
    ['J', true],
  ])
  run(
    doc,
    { op: 'card.update', cardId: c, title: 'C2', check: [{ itemId: 'i', done: true }], dueAt: '2026-02-01T00:00:00Z' },
    { op: 'card.move', cardId: 'a', columnId: 'done' },
    { op: 'card.move', cardId: c, columnId: 'done', index: 0 },
    { op: 'card.remove', cardId: 'b' },
    { op: 'column.add', columnId: 'later', title: 'Later', afterId: 'todo' },
    { op: 'column.update', columnId: 'doing', title: 'Now', index: 0 },
    { op: 'note.add', noteId: 'n', title: 'Notes', body: 'x\n\ny' },
    { op: 'note.update', noteId: 'n', body: 'x\n\nz' },
  )
  const now = project(doc)
  expect(now.columns.map(({ title }) => title)).toEqual(['Now', 'To do', 'Later', 'Done'])
  expect(titles(doc, 'done')).toEqual(['C2', 'A'])
  expect(now.columns[3]!.cards[0]).toMatchObject({ dueAt: '2026-02-01T00:00:00Z', checklist: [{ done: true }, {}] })
  expect(now.notes).toMatchObject([{ id: 'n', title: 'Notes', body: 'x\n\nz' }])
  run(doc, { op: 'column.remove', columnId: 'done', moveCardsTo: 'later' }, { op: 'note.remove', noteId: 'n' })
  expect(titles(doc, 'later')).toEqual(['C2', 'A'])
  const gone = run(doc, { op: 'column.remove', columnId: 'later' })
  expect(gone.cardIds.sort()).toEqual(['a', c].sort())
  expect(project(doc)).toMatchObject({ columns: [{ id: 'doing' }, { id: 'todo' }], notes: [], unplaced: [] })
})

test('[CARD-03] what is not there is not_found, what is taken is conflict, what makes no sense is invalid', () => {
  const doc = board()
  run(doc, { op: 'card.add', cardId: 'a', columnId: 'todo', title: 'A' })
  const cases: [z, string][] = [
    [{ op: 'card.add', columnId: 'nowhere', title: 'x' }, 'not_found'],
    [{ op: 'card.move', cardId: 'a', columnId: 'nowhere' }, 'not_found'],
    [{ op: 'card.move', cardId: 'a', beforeId: 'nothing' }, 'not_found'],
    [{ op: 'card.update', cardId: 'nothing', title: 'x' }, 'not_found'],
    [{ op: 'card.update', cardId: 'a', check: [{ itemId: 'nothing', done: true }] }, 'not_found'],
    [{ op: 'card.remove', cardId: 'nothing' }, 'not_found'],
    [{ op: 'column.update', columnId: 'nowhere', title: 'x' }, 'not_found'],
    [{ op: 'column.remove', columnId: 'nowhere' }, 'not_found'],
    [{ op: 'note.remove', noteId: 'nothing' }, 'not_found'],
    [{ op: 'card.add', cardId: 'a', columnId: 'todo', title: 'x' }, 'conflict'],
    [{ op: 'column.add', columnId: 'todo', title: 'x' }, 'conflict'],
    [{ op: 'column.remove', columnId: 'todo', moveCardsTo: 'todo' }, 'invalid'],
  ]
  const before = Y.encodeStateAsUpdate(doc)
  for (const [operation, code] of cases) {
    const act = () => run(doc, { op: 'card.add', columnId: 'todo', title: 'first' }, operation)
    expect([codeOf(act), operation]).toEqual([code, operation])
    expect(Y.encodeStateAsUpdate(doc)).toEqual(before)
  }
  const malformed = [
    { op: 'card.fly', cardId: 'a' },
    { op: 'card.add', columnId: 'todo' },
    { op: 'card.add', columnId: 'todo', title: '', index: 0 },
    { op: 'card.move', cardId: 'a', index: 0, afterId: 'a' },
    { op: 'card.update', cardId: 'a', colour: 'red' },
  ]
  for (const operation of malformed) expect(Operation.safeParse(operation).success).toBe(false)
})

test('[CARD-04] places are kept where neighbours have equal or foreign order keys', () => {
  for (const orders of [
    ['a0', 'a0', 'a0'],
    ['', '!!', 'zzz~'],
    ['a0', 'Z', 'b'],
    ['a1', 'a10', 'a2'],
  ]) {
    const list = orders.map((order, index) => ({ id: `${index}`, order })).sort((a, b) => (a.order < b.order ? -1 : 1))
    for (let index = 0; index <= list.length; index++) {
      const { key, others } = keyAt(list, index)
      const after = [...(others.length > 0 ? others : list)]
      after.splice(index, 0, { id: 'new', order: key })
      const sorted = [...after].sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : a.id < b.id ? -1 : 1))
      expect(sorted.map(({ id }) => id)).toEqual(after.map(({ id }) => id))
    }
  }
  const doc = board()
  for (let index = 0; index < 800; index++)
    run(doc, { op: 'card.add', cardId: `c${index}`, columnId: 'todo', title: 't', index: 1 })
  const cards = project(doc).columns[0]!.cards
  expect(cards.map(({ id }) => id)).toEqual(['c0', ...Array.from({ length: 799 }, (_, index) => `c${799 - index}`)])
  expect(Math.max(...cards.map(({ order }) => order.length))).toBeLessThanOrEqual(200)
})

test('[CARD-05] operations happen all or none, whatever they are', () => {
  fc.assert(
    fc.property(fc.array(fc.array(randomOperation, { maxLength: 6, minLength: 1 }), { maxLength: 12 }), (batches) => {
      const doc = board()
      for (const batch of batches) {
        const before = Y.encodeStateAsUpdate(doc)
        const updates: Uint8Array[] = []
        const listen = (update: Uint8Array) => void updates.push(update)
        doc.on('update', listen)
        try {
          const { ids } = operate(doc, batch, author)
          expect(ids).toHaveLength(batch.length)
          expect(updates.length).toBeLessThanOrEqual(1)
        } catch (error) {
          if (!(error instanceof AppError)) throw error
          expect(Y.encodeStateAsUpdate(doc)).toEqual(before)
          expect(updates).toEqual([])
        }
        doc.off('update', listen)
      }
      // Nothing is doubled, lost from its lists, or out of a list that is there.
      const { columns, unplaced } = project(doc)
      expect(unplaced).toEqual([])
      const ids = columns.flatMap(({ cards }) => cards.map(({ id }) => id))
      expect(new Set(ids).size).toBe(ids.length)
      expect(ids.length).toBe(doc.getMap('cards').size)
    }),
    { numRuns: 80 },
  )
})

test('[CARD-06] four documents that are worked on apart are equal once merged, in whatever order', () => {
  const step = fc.record({
    at: fc.nat(3),
    from: fc.nat(3),
    operations: fc.array(randomOperation, { minLength: 1, maxLength: 3 }),
    merges: fc.boolean(),
  })
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.array(fc.nat(), { minLength: 4, maxLength: 4 }),
      (steps, order) => {
        const docs = Array.from({ length: 4 }, () => board())
        for (const { at, from, operations, merges } of steps) {
          if (merges) Y.applyUpdate(docs[at]!, Y.encodeStateAsUpdate(docs[from]!, Y.encodeStateVector(docs[at]!)))
          try {
            operate(docs[at]!, operations, author)
          } catch (error) {
            if (!(error instanceof AppError)) throw error
          }
        }
        const states = docs.map((doc) => Y.encodeStateAsUpdate(doc))
        docs.forEach((doc, index) => {
          const turned = [...states.keys()].sort(
            (a, b) => ((a * 7 + order[index]!) % 5) - ((b * 7 + order[index]!) % 5),
          )
          for (const state of turned) Y.applyUpdate(doc, states[state]!)
        })
        const [first, ...others] = docs.map((doc) => project(doc))
        for (const other of others) {
          expect(other).toEqual({ ...first, stateVector: other.stateVector })
        }
        const vectors = docs.map((doc) => [...Y.decodeStateVector(Y.encodeStateVector(doc))].sort(([a], [b]) => a - b))
        for (const vector of vectors) expect(vector).toEqual(vectors[0])
      },
    ),
    { numRuns: 40 },
  )
})
