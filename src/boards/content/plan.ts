import * as Y from 'yjs'
import { AppError, conflict } from '../../kernel/errors.ts'
import { keyAt, type Position } from './order.ts'
import { byOrder, cardsOf, columnsOf, mapOf, mapsIn, notesOf, type Placed, placesIn, textOf } from './shape.ts'

/** What one board may hold. */
const most = { columns: 200, cards: 10_000, notes: 2_000 }

/** An operation names something that is not there. */
export const missing = (what: string, path: string) =>
  new AppError('not_found', `${what} not found`, { details: [{ path, message: `${what} not found` }] })

/** A list of the board as it will be, sorted. Changes of it are noted as writes of order keys. */
export class PlannedList {
  readonly items: Placed[]
  readonly what: string

  constructor(items: Placed[], what: string) {
    this.items = items
    this.what = what
  }

  /** The order key for a new item, which is put in its place. Throws `not_found` for an unknown neighbour. */
  insert(id: string, position: Position, path: string): { order: string; others: Placed[] } {
    const index = this.#indexOf(position, path)
    const { key, others } = keyAt(this.items, index)
    if (others.length > 0) this.items.splice(0, this.items.length, ...others)
    this.items.splice(index, 0, { id, order: key })
    return { order: key, others }
  }

  remove(id: string): void {
    const index = this.items.findIndex((item) => item.id === id)
    if (index >= 0) this.items.splice(index, 1)
  }

  #indexOf({ beforeId, afterId, index }: Position, path: string): number {
    if (index !== undefined) return Math.min(index, this.items.length)
    const neighbour = beforeId ?? afterId
    if (neighbour === undefined) return this.items.length
    const at = this.items.findIndex((item) => item.id === neighbour)
    if (at < 0) throw missing(this.what, `${path}.${beforeId === undefined ? 'afterId' : 'beforeId'}`)
    return beforeId === undefined ? at + 1 : at
  }
}

/**
 * What the board will be like after the operations so far: enough of it to tell whether the next one is possible, so
 * that nothing is written before all of them are known to be.
 */
export class Plan {
  readonly columns: PlannedList
  readonly notes: PlannedList
  /** The cards of each column, also of those that are gone. */
  readonly #cards = new Map<string, PlannedList>()
  /** The column of each card. */
  readonly #columnOf = new Map<string, string>()
  readonly #items = new Map<string, Set<string>>()
  readonly #doc: Y.Doc

  constructor(doc: Y.Doc) {
    this.#doc = doc
    this.columns = new PlannedList(placesIn(columnsOf(doc)), 'column')
    this.notes = new PlannedList(placesIn(notesOf(doc)), 'note')
    for (const [id, card] of mapsIn(cardsOf(doc))) {
      const columnId = textOf(card, 'columnId')
      this.cardsIn(columnId).items.push({ id, order: textOf(card, 'order') })
      this.#columnOf.set(id, columnId)
    }
    for (const list of this.#cards.values()) list.items.sort(byOrder)
  }

  cardsIn(columnId: string): PlannedList {
    let list = this.#cards.get(columnId)
    if (!list) {
      list = new PlannedList([], 'card')
      this.#cards.set(columnId, list)
    }
    return list
  }

  /** Throws `not_found`. */
  requireColumn(id: string, path: string): void {
    if (!this.columns.items.some((column) => column.id === id)) throw missing('column', path)
  }

  requireNote(id: string, path: string): void {
    if (!this.notes.items.some((note) => note.id === id)) throw missing('note', path)
  }

  /** The column of a card. Throws `not_found`. */
  columnOf(cardId: string, path: string): string {
    const columnId = this.#columnOf.get(cardId)
    if (columnId === undefined) throw missing('card', path)
    return columnId
  }

  /** Throws `conflict` where the id is taken or the board is full. */
  requireNew(kind: 'columns' | 'cards' | 'notes', id: string): void {
    const count = kind === 'cards' ? this.#columnOf.size : this[kind].items.length
    const isTaken = kind === 'cards' ? this.#columnOf.has(id) : this[kind].items.some((item) => item.id === id)
    if (isTaken) throw conflict(`The board has ${id} already`)
    if (count >= most[kind]) throw conflict(`A board holds at most ${most[kind]} ${kind}`)
  }

  /** Puts a card, new or not, into a column. */
  place(cardId: string, columnId: string, position: Position, path: string): { order: string; others: Placed[] } {
    const before = this.#columnOf.get(cardId)
    if (before !== undefined) this.cardsIn(before).remove(cardId)
    this.#columnOf.set(cardId, columnId)
    return this.cardsIn(columnId).insert(cardId, position, path)
  }

  removeCard(cardId: string): void {
    const columnId = this.#columnOf.get(cardId)
    if (columnId === undefined) return
    this.cardsIn(columnId).remove(cardId)
    this.#columnOf.delete(cardId)
    this.#items.delete(cardId)
  }

  /** The ids of a card's checklist; those of one that is new or changed by the operations are what `setItems` said. */
  itemsOf(cardId: string): Set<string> {
    const planned = this.#items.get(cardId)
    if (planned) return planned
    const card = cardsOf(this.#doc).get(cardId)
    return new Set([...mapsIn(card instanceof Y.Map ? mapOf(card, 'checklist') : null)].map(([id]) => id))
  }

  setItems(cardId: string, ids: Iterable<string>): void {
    this.#items.set(cardId, new Set(ids))
  }
}
