import * as Y from 'yjs'
import type { BoardCard } from './picture.ts'
import { project } from './project.ts'
import { cardsOf, mapOf, notesOf } from './shape.ts'
import { childrenOf, deepest, isBreak } from './text.ts'

/** The board as Markdown: its title, a section a column, a heading a card, and the notes, with marks and lists. */
export function toMarkdown(doc: Y.Doc): string {
  const board = project(doc)
  const parts = [`# ${line(board.title) || 'Board'}`]
  const sections = [
    ...board.columns,
    ...(board.unplaced.length > 0 ? [{ title: 'Without a column', cards: board.unplaced }] : []),
  ]
  for (const { title, cards } of sections) {
    parts.push(`## ${line(title)}`)
    for (const card of cards) parts.push(...cardParts(card, mapOf(cardsOf(doc), card.id)?.get('description')))
  }
  if (board.notes.length > 0) parts.push('## Notes')
  for (const { id, title } of board.notes) {
    parts.push(`### ${line(title)}`, ...richParts(mapOf(notesOf(doc), id)?.get('body')))
  }
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function cardParts(card: BoardCard, description: unknown): string[] {
  const facts = [
    card.labels.length > 0 && `Labels: ${card.labels.map(line).join(', ')}`,
    card.assignees.length > 0 && `Assigned: ${card.assignees.map(line).join(', ')}`,
    card.dueAt !== null && `Due: ${line(card.dueAt)}`,
  ].filter(Boolean)
  return [
    `### ${line(card.title)}`,
    facts.join(' · '),
    ...richParts(description),
    card.checklist.map(({ text, done }) => `- [${done ? 'x' : ' '}] ${line(text)}`).join('\n'),
  ]
}

const richParts = (value: unknown): string[] => {
  if (typeof value === 'string') return [escaped(value)]
  return value instanceof Y.XmlFragment ? blocksOf(value, 0) : []
}

/** The blocks of a rich text, as ProseMirror's and tiptap's schemas name them; unknown ones count as paragraphs. */
function blocksOf(node: Y.XmlFragment, depth: number): string[] {
  if (depth > deepest) return []
  const blocks: string[] = []
  let inline = ''
  const flush = () => {
    if (inline !== '') blocks.push(inline)
    inline = ''
  }
  for (const child of childrenOf(node)) {
    if (child instanceof Y.XmlText) inline += marked(child)
    else if (isBreak(child)) inline += '  \n'
    else {
      flush()
      blocks.push(...blockOf(child, depth))
    }
  }
  flush()
  return blocks
}

function blockOf(node: Y.XmlElement, depth: number): string[] {
  const inner = () => blocksOf(node, depth + 1)
  switch (node.nodeName) {
    case 'heading': {
      // Below the headings of the board itself.
      const level = Math.min(6, 3 + (Number(node.getAttribute('level')) || 1))
      return [`${'#'.repeat(level)} ${inner().join(' ')}`]
    }
    case 'bulletList':
    case 'taskList':
    case 'orderedList': {
      const items = childrenOf(node).filter((child) => child instanceof Y.XmlElement)
      const lines = items.map((item, index) => {
        const box = node.nodeName === 'taskList' ? `[${isChecked(item) ? 'x' : ' '}] ` : ''
        const bullet = `${node.nodeName === 'orderedList' ? `${index + 1}.` : '-'} ${box}`
        return bullet + indented(blocksOf(item, depth + 2).join('\n\n'), node.nodeName === 'orderedList' ? 3 : 2)
      })
      return lines.length > 0 ? [lines.join('\n')] : []
    }
    case 'blockquote':
      return [inner().join('\n\n').replace(/^/gm, '> ')]
    case 'codeBlock': {
      const code = childrenOf(node)
        .map((child) => (child instanceof Y.XmlText ? Y.Text.prototype.toString.call(child) : '\n'))
        .join('')
      const fence = '`'.repeat(Math.max(3, ...[...code.matchAll(/`+/g)].map(([ticks]) => ticks.length + 1)))
      return [`${fence}\n${code}\n${fence}`]
    }
    case 'horizontalRule':
      return ['---']
    default:
      return inner()
  }
}

const isChecked = (item: Y.XmlElement): boolean => {
  const checked: unknown = item.getAttribute('checked')
  return checked === true || checked === 'true'
}

const indented = (text: string, by: number): string => text.replace(/\n(?=.)/g, `\n${' '.repeat(by)}`)

const wraps: [mark: string, sign: string][] = [
  ['bold', '**'],
  ['italic', '*'],
  ['strike', '~~'],
]

function marked(text: Y.XmlText): string {
  return (text.toDelta() as { insert: unknown; attributes?: Record<string, any> }[])
    .map(({ insert, attributes = {} }) => {
      if (typeof insert !== 'string') return ''
      // Marks can't begin or end with a space.
      const [, before = '', core = '', after = ''] = /^(\s*)([\s\S]*?)(\s*)$/.exec(insert) ?? []
      if (core === '') return insert
      let out = attributes['code'] ? inCode(core) : escaped(core)
      for (const [mark, sign] of wraps) if (attributes[mark]) out = sign + out + sign
      const href: unknown = attributes['link']?.href
      if (typeof href === 'string') out = `[${out}](<${href.replace(/[<>\n\\]/g, encodeURIComponent)}>)`
      return before + out + after
    })
    .join('')
}

const inCode = (text: string): string => {
  const ticks = '`'.repeat(Math.max(1, ...[...text.matchAll(/`+/g)].map(([run]) => run.length + 1)))
  const pad = /^`|`$/.test(text) ? ' ' : ''
  return `${ticks}${pad}${text}${pad}${ticks}`
}

/** A text that means itself in Markdown, also at the begin of a line. */
const escaped = (text: string): string =>
  text
    .replace(/[\\`*_[\]<>~|]/g, '\\$&')
    .replace(/^(\s*)([#+-])/gm, '$1\\$2')
    .replace(/^(\s*\d+)([.)])/gm, '$1\\$2')

/** On one line. */
const line = (text: string): string => escaped(text.replace(/\s*[\r\n]+\s*/g, ' ').trim())
