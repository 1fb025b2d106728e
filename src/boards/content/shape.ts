import * as Y from 'yjs'

/** The shared types that a board's document is made of (contract, section 8). */
export const roots = ['board', 'columns', 'cards', 'notes'] as const

export const boardOf = (doc: Y.Doc): Y.Map<unknown> => doc.getMap('board')
export const columnsOf = (doc: Y.Doc): Y.Map<unknown> => doc.getMap('columns')
export const cardsOf = (doc: Y.Doc): Y.Map<unknown> => doc.getMap('cards')
export const notesOf = (doc: Y.Doc): Y.Map<unknown> => doc.getMap('notes')

/** Anybody can write anything into the document: what is read is taken only where it has the type that it should. */
export const textOf = (map: Y.Map<unknown>, key: string): string => {
  const value = map.get(key)
  return typeof value === 'string' ? value : ''
}

export const textOrNull = (map: Y.Map<unknown>, key: string): string | null => {
  const value = map.get(key)
  return typeof value === 'string' && value !== '' ? value : null
}

export const mapOf = (map: Y.Map<unknown>, key: string): Y.Map<unknown> | null => {
  const value = map.get(key)
  return value instanceof Y.Map ? value : null
}

/** The names that a map of names to `true` holds, sorted. */
export const namesIn = (map: Y.Map<unknown> | null): string[] =>
  map
    ? [...map.entries()]
        .filter(([, value]) => value === true)
        .map(([key]) => key)
        .sort()
    : []

/** A thing that has a place in a list. */
export interface Placed {
  id: string
  order: string
}

/** Lists sort by (order, id): concurrent inserts yield equal orders. Code units decide, as the keys are made so. */
export const byOrder = (a: Placed, b: Placed): number =>
  a.order < b.order ? -1 : a.order > b.order ? 1 : a.id < b.id ? -1 : a.id > b.id ? 1 : 0

/** The maps in a map, by their keys: what else is in it is not ours. */
export function* mapsIn(map: Y.Map<unknown> | null): Generator<[id: string, value: Y.Map<unknown>]> {
  if (!map) return
  for (const [id, value] of map.entries()) if (value instanceof Y.Map) yield [id, value]
}

/** Ids of a list's maps in their order. */
export const placesIn = (map: Y.Map<unknown> | null): Placed[] =>
  [...mapsIn(map)].map(([id, value]) => ({ id, order: textOf(value, 'order') })).sort(byOrder)

/** Whether a column is where finished cards go: the template's, or one that is called so. */
export const isDoneColumn = (doc: Y.Doc, columnId: string): boolean => {
  const column = mapOf(columnsOf(doc), columnId)
  return column !== null && (columnId === 'done' || textOf(column, 'title').trim().toLowerCase() === 'done')
}
