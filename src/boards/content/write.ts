import * as Y from 'yjs'
import { newId } from '../../kernel/ids.ts'
import { keysFor } from './order.ts'
import { mapOf, mapsIn, type Placed, textOf } from './shape.ts'
import { fragmentOf, writeText } from './text.ts'

/** An item of a checklist as it is to be. */
export interface Item {
  id: string
  text: string
  done: boolean
}

/** Sets a value where it is another than before: what is the same would still be an edit that others could lose to. */
export function put(map: Y.Map<unknown>, key: string, value: unknown): void {
  if (map.get(key) !== value) map.set(key, value)
}

/** The map at a key; a new one where there is none. */
export function mapAt(map: Y.Map<unknown>, key: string): Y.Map<unknown> {
  const found = mapOf(map, key)
  if (found) return found
  const made = new Y.Map<unknown>()
  map.set(key, made)
  return made
}

/** Makes a map of names to `true` hold these names, by single additions and removals, which merge with others'. */
export function putNames(map: Y.Map<unknown>, key: string, names: string[]): void {
  if (names.length === 0 && !mapOf(map, key)) return
  const present = mapAt(map, key)
  const wanted = new Set(names)
  for (const name of [...present.keys()]) if (!wanted.has(name)) present.delete(name)
  for (const name of wanted) put(present, name, true)
}

/** Makes a rich text say a plain one; see `writeText`. */
export function putText(map: Y.Map<unknown>, key: string, text: string): void {
  const present = map.get(key)
  if (present instanceof Y.XmlFragment && !(present instanceof Y.XmlElement)) writeText(present, text)
  else map.set(key, fragmentOf(text))
}

/** Makes a checklist hold these items in this order: known ones are changed where they differ, the others replaced. */
export function putItems(card: Y.Map<unknown>, items: Item[]): void {
  if (items.length === 0 && !mapOf(card, 'checklist')) return
  const list = mapAt(card, 'checklist')
  const wanted = new Set(items.map(({ id }) => id))
  for (const id of [...list.keys()]) if (!wanted.has(id)) list.delete(id)
  const present = new Map(mapsIn(list))
  const orders = items.map(({ id }) => (present.has(id) ? textOf(present.get(id)!, 'order') : null))
  // Orders stay where they rise already and nothing new comes between.
  const known = orders.filter((order) => order !== null)
  const rises = known.length === orders.length && known.every((order, at) => at === 0 || known[at - 1]! < order)
  const keys = rises ? known : keysFor(items.length)
  items.forEach(({ id, text, done }, index) => {
    const item = mapAt(list, id)
    put(item, 'text', text)
    put(item, 'done', done)
    put(item, 'order', keys[index])
  })
}

/** Writes the new order keys of a list that was numbered anew. */
export function putOrders(list: Y.Map<unknown>, places: Placed[]): void {
  for (const { id, order } of places) {
    const thing = mapOf(list, id)
    if (thing) put(thing, 'order', order)
  }
}

/** Ids for the items that have none. */
export const withIds = (items: { id?: string | undefined; text: string; done: boolean }[]): Item[] =>
  items.map(({ id, text, done }) => ({ id: id ?? newId(), text, done }))
