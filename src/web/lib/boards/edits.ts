import { generateKeyBetween } from 'fractional-indexing'
import * as Y from 'yjs'
import type { BoardDocument } from '../../../client/board-document.ts'
import { createClientId } from '../../../client/options.ts'

/*
 * What one does with a board beyond the client's own calls. Each is one transaction; what somebody else removed
 * meanwhile is let be.
 */

type Fields = Y.Map<unknown>

const mapIn = (map: Fields, key: string): Fields | null => {
  const value = map.get(key)
  return value instanceof Y.Map ? value : null
}
const cardIn = (board: BoardDocument, cardId: string) => mapIn(board.doc.getMap('cards'), cardId)

/** A map in a card, made where a foreign client left it out. */
function partOf(card: Fields, key: string): Fields {
  const present = mapIn(card, key)
  if (present) return present
  const made = new Y.Map<unknown>()
  card.set(key, made)
  return made
}

const orderIn = (map: Fields, id: string): string | null => {
  const order = mapIn(map, id)?.get('order')
  return typeof order === 'string' && order !== '' ? order : null
}

/** A key between two others; where foreign or equal ones leave no room, one behind the first. */
function keyBetween(before: string | null, after: string | null): string {
  try {
    return generateKeyBetween(before, after)
  } catch {
    try {
      return generateKeyBetween(before, null)
    } catch {
      return generateKeyBetween(null, null)
    }
  }
}

/** Adds a column behind the others and returns its id. */
export function addColumn(board: BoardDocument, title: string): string {
  const id = createClientId()
  const columns = board.doc.getMap('columns')
  board.doc.transact(() => {
    const last = board.columns().at(-1)
    const column = new Y.Map<unknown>(
      Object.entries({ id, title, order: keyBetween(last ? orderIn(columns, last.id) : null, null) }),
    )
    columns.set(id, column)
  })
  return id
}

export function renameColumn(board: BoardDocument, columnId: string, title: string): void {
  mapIn(board.doc.getMap('columns'), columnId)?.set('title', title)
}

/** Moves a column one place; false where it is at that end already. */
export function moveColumn(board: BoardDocument, columnId: string, by: -1 | 1): boolean {
  const columns = board.doc.getMap('columns')
  const ids = board.columns().map(({ id }) => id)
  const to = ids.indexOf(columnId) + by
  const others = ids.filter((id) => id !== columnId)
  if (others.length === ids.length || to < 0 || to > others.length) return false
  const [before, after] = [others[to - 1], others[to]]
  const order = keyBetween(before ? orderIn(columns, before) : null, after ? orderIn(columns, after) : null)
  mapIn(columns, columnId)?.set('order', order)
  return true
}

/** Removes a column with its cards. */
export function removeColumn(board: BoardDocument, columnId: string): void {
  board.doc.transact(() => {
    for (const { id } of board.cards(columnId)) board.doc.getMap('cards').delete(id)
    board.doc.getMap('columns').delete(columnId)
  })
}

export function removeCard(board: BoardDocument, cardId: string): void {
  board.doc.getMap('cards').delete(cardId)
}

/** Sets a plain field of a card; null takes it away. */
export function setField(board: BoardDocument, cardId: string, field: 'title' | 'dueAt', value: string | null): void {
  const card = cardIn(board, cardId)
  if (!card || (card.get(field) ?? null) === value) return
  if (value === null) card.delete(field)
  else card.set(field, value)
}

/** Puts a name onto a card or takes it off: a label, or a user's id. */
export function setName(
  board: BoardDocument,
  cardId: string,
  field: 'labels' | 'assignees',
  name: string,
  on: boolean,
) {
  const card = cardIn(board, cardId)
  if (!card) return
  board.doc.transact(() => {
    if (on) partOf(card, field).set(name, true)
    else mapIn(card, field)?.delete(name)
  })
}

/** Adds an item to the end of a card's checklist. */
export function addItem(board: BoardDocument, cardId: string, text: string): void {
  const card = cardIn(board, cardId)
  if (!card) return
  board.doc.transact(() => {
    const list = partOf(card, 'checklist')
    const last = board.card(cardId)?.checklist.at(-1)
    const order = keyBetween(last ? orderIn(list, last.id) : null, null)
    list.set(createClientId(), new Y.Map<unknown>(Object.entries({ text, done: false, order })))
  })
}

export function removeItem(board: BoardDocument, cardId: string, itemId: string): void {
  const card = cardIn(board, cardId)
  if (card) mapIn(card, 'checklist')?.delete(itemId)
}

/** The rich text of a card, or null where there is none yet. */
export function descriptionOf(board: BoardDocument, cardId: string): Y.XmlFragment | null {
  const value = cardIn(board, cardId)?.get('description')
  return value instanceof Y.XmlFragment ? value : null
}

/** Gives a card that came without a rich text an empty one. */
export function addDescription(board: BoardDocument, cardId: string): void {
  if (!descriptionOf(board, cardId)) cardIn(board, cardId)?.set('description', new Y.XmlFragment())
}

/** Until when a card is to be done, as it was written; null where nothing is said. */
export function dueOf(board: BoardDocument, cardId: string): string | null {
  const value = cardIn(board, cardId)?.get('dueAt')
  return typeof value === 'string' && value !== '' ? value : null
}
