import * as Y from 'yjs'

/** Deeper ones are left out: nobody writes them, and a hostile document must not end in a stack overflow. */
export const deepest = 64

/** Elements that hold blocks, not text; all others are taken for blocks of text. */
const isInline = (node: unknown): boolean => node instanceof Y.XmlText || isBreak(node)
export const isBreak = (node: unknown): node is Y.XmlElement =>
  node instanceof Y.XmlElement && node.nodeName === 'hardBreak'

/** The children of a fragment or element; what is neither an element nor a text is skipped. */
export const childrenOf = (node: Y.XmlFragment): (Y.XmlElement | Y.XmlText)[] =>
  node.toArray().filter((child) => child instanceof Y.XmlElement || child instanceof Y.XmlText) as never

/** The text of an XmlText without its marks. */
const plainOf = (text: Y.XmlText): string => Y.Text.prototype.toString.call(text)

/** The text of a rich text as lines: one for each block, as ProseMirror's editors show them. */
export function plainText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Y.XmlFragment) return linesOf(value, 0).join('\n')
  if (value instanceof Y.Text) return plainOf(value as Y.XmlText)
  return ''
}

function linesOf(node: Y.XmlFragment, depth: number): string[] {
  if (depth > deepest) return []
  const lines: string[] = []
  let open = false
  for (const child of childrenOf(node)) {
    if (isInline(child)) {
      if (!open) lines.push('')
      open = true
      lines[lines.length - 1] += child instanceof Y.XmlText ? plainOf(child) : '\n'
    } else {
      open = false
      const inner = linesOf(child as Y.XmlElement, depth + 1)
      // An empty block of text is an empty line.
      lines.push(...(inner.length === 0 && depth < deepest ? [''] : inner))
    }
  }
  return lines
}

/** A paragraph as tiptap's and ProseMirror's editors have it. */
function paragraph(line: string): Y.XmlElement {
  const element = new Y.XmlElement('paragraph')
  if (line !== '') element.insert(0, [new Y.XmlText(line)])
  return element
}

const paragraphs = (text: string): Y.XmlElement[] => (text === '' ? [] : text.split('\n').map(paragraph))

/** A rich text of one paragraph for each line; not in a document yet. */
export function fragmentOf(text: string): Y.XmlFragment {
  const fragment = new Y.XmlFragment()
  fragment.insert(0, paragraphs(normal(text)))
  return fragment
}

/** Line ends as the document has them. */
const normal = (text: string): string => text.replace(/\r\n?/g, '\n')

/**
 * Makes a rich text say a plain one. Blocks at its begin and end that say it already stay as they are, with their
 * marks, and so do editors' places in them.
 */
export function writeText(fragment: Y.XmlFragment, text: string): void {
  const wanted = normal(text)
  const present = fragment.toArray()
  if (plainText(fragment) === wanted) return
  const lines = wanted === '' ? [] : wanted.split('\n')
  const says = (node: unknown, line: string) =>
    node instanceof Y.XmlElement && !isBreak(node) && linesOf(node, 1).join('\n') === line
  let start = 0
  while (start < lines.length && start < present.length && says(present[start], lines[start]!)) start++
  let end = 0
  while (
    end < Math.min(lines.length, present.length) - start &&
    says(present[present.length - 1 - end], lines[lines.length - 1 - end]!)
  ) {
    end++
  }
  const removed = present.length - start - end
  if (removed > 0) fragment.delete(start, removed)
  const added = lines.slice(start, lines.length - end)
  if (added.length > 0) fragment.insert(start, added.map(paragraph))
}
