import * as Y from 'yjs'
import { roots } from './shape.ts'
import { deepest } from './text.ts'

/**
 * Makes a document hold what another one does, as an edit like any other: what is the same already is left alone, so
 * that edits which others make meanwhile merge with it. Returns whether anything was changed.
 */
export function restore(doc: Y.Doc, wanted: Y.Doc): boolean {
  const before = Y.snapshot(doc)
  doc.transact(() => {
    for (const root of roots) alignMap(doc.getMap(root), wanted.getMap(root), 0)
  })
  return !Y.equalSnapshots(before, Y.snapshot(doc))
}

function alignMap(map: Y.Map<unknown>, wanted: Y.Map<unknown>, depth: number): void {
  for (const key of [...map.keys()]) if (!wanted.has(key)) map.delete(key)
  for (const [key, value] of wanted.entries()) {
    const present = map.get(key)
    if (present instanceof Y.Map && value instanceof Y.Map && depth < deepest) alignMap(present, value, depth + 1)
    else if (isPlainFragment(present) && isPlainFragment(value)) alignFragment(present, value)
    else if (!isSame(present, value)) map.set(key, copyOf(value))
  }
}

const isPlainFragment = (value: unknown): value is Y.XmlFragment =>
  value instanceof Y.XmlFragment && !(value instanceof Y.XmlElement)

/** Replaces the blocks between those at the begin and the end that are the same. */
function alignFragment(fragment: Y.XmlFragment, wanted: Y.XmlFragment): void {
  const present = fragment.toArray() as unknown[]
  const target = wanted.toArray() as unknown[]
  const shorter = Math.min(present.length, target.length)
  let start = 0
  while (start < shorter && isSame(present[start], target[start])) start++
  let end = 0
  while (end < shorter - start && isSame(present[present.length - 1 - end], target[target.length - 1 - end])) end++
  const removed = present.length - start - end
  if (removed > 0) fragment.delete(start, removed)
  const added = target.slice(start, target.length - end).map(copyOf)
  if (added.length > 0) fragment.insert(start, added as never)
}

/** More levels than any editor makes: what is below would end in a stack overflow, and is left behind. */
const deepestCopy = 200

/** A copy that is in no document yet. */
function copyOf(value: unknown, depth = 0): unknown {
  if (!(value instanceof Y.AbstractType)) return value
  const inner = (items: Iterable<unknown>) =>
    depth < deepestCopy ? [...items].map((item) => copyOf(item, depth + 1)) : []
  if (value instanceof Y.XmlElement) {
    const copy = new Y.XmlElement(value.nodeName)
    for (const [name, attribute] of Object.entries(value.getAttributes())) copy.setAttribute(name, attribute as string)
    copy.insert(0, inner(value.toArray()) as never)
    return copy
  }
  if (value instanceof Y.XmlFragment) {
    const copy = new Y.XmlFragment()
    copy.insert(0, inner(value.toArray()) as never)
    return copy
  }
  if (value instanceof Y.Array) return Y.Array.from(inner(value.toArray()) as never)
  if (value instanceof Y.Map && !(value instanceof Y.XmlHook)) {
    const keys = [...value.keys()]
    const values = inner(value.values())
    return new Y.Map(keys.slice(0, values.length).map((key, at) => [key, values[at]]))
  }
  return value.clone()
}

/** Whether two values hold the same, whoever wrote them when. */
function isSame(a: unknown, b: unknown, depth = 0): boolean {
  if (Object.is(a, b)) return true
  if (depth > deepest) return false
  if (a instanceof Y.AbstractType || b instanceof Y.AbstractType) {
    if (!(a instanceof Y.AbstractType && b instanceof Y.AbstractType) || a.constructor !== b.constructor) return false
    if (a instanceof Y.Text) return isSame(a.toDelta(), (b as Y.Text).toDelta(), depth + 1)
    if (a instanceof Y.XmlElement) {
      const other = b as Y.XmlElement
      return (
        a.nodeName === other.nodeName &&
        isSame(a.getAttributes(), other.getAttributes(), depth + 1) &&
        isSame(a.toArray(), other.toArray(), depth + 1)
      )
    }
    if (a instanceof Y.XmlFragment) return isSame(a.toArray(), (b as Y.XmlFragment).toArray(), depth + 1)
    if (a instanceof Y.Array) return isSame(a.toArray(), (b as Y.Array<unknown>).toArray(), depth + 1)
    if (a instanceof Y.Map) {
      return isSame(Object.fromEntries(a.entries()), Object.fromEntries((b as Y.Map<unknown>).entries()), depth + 1)
    }
    return false
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const [left, right] = [Object.keys(a), Object.keys(b)]
  return (
    left.length === right.length &&
    left.every(
      (key) =>
        Object.hasOwn(b, key) &&
        isSame((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], depth + 1),
    )
  )
}
