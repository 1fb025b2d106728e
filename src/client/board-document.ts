import { generateKeyBetween, generateNKeysBetween } from 'fractional-indexing'
import * as Y from 'yjs'
import { PhantomError } from './errors.ts'
import { createClientId } from './options.ts'

/** Where a card goes in its column: beside another, or at an index; else at the end. */
export interface CardPlace {
  beforeId?: string
  afterId?: string
  index?: number
}

export interface ChecklistItem {
  id: string
  text: string
  done: boolean
}

/** A card as it is now; the document holds more, such as its description. */
export interface BoardCardView {
  id: string
  columnId: string
  title: string
  labels: string[]
  assignees: string[]
  checklist: ChecklistItem[]
}

interface Placed {
  id: string
  order: string
}

const textOf = (map: Y.Map<unknown>, key: string): string => {
  const value = map.get(key)
  return typeof value === 'string' ? value : ''
}

const mapOf = (map: Y.Map<unknown>, key: string): Y.Map<unknown> | null => {
  const value = map.get(key)
  return value instanceof Y.Map ? value : null
}

const mapsIn = (map: Y.Map<unknown> | null): [string, Y.Map<unknown>][] =>
  [...(map?.entries() ?? [])].filter((entry): entry is [string, Y.Map<unknown>] => entry[1] instanceof Y.Map)

const namesIn = (map: Y.Map<unknown> | null): string[] => [...(map?.keys() ?? [])].sort()

/** Concurrent inserts yield equal orders: the id decides then, for everybody alike. */
const byOrder = (a: Placed, b: Placed): number =>
  a.order < b.order ? -1 : a.order > b.order ? 1 : a.id < b.id ? -1 : a.id > b.id ? 1 : 0

/** A project's board as its shared document has it, with what one does most. */
export class BoardDocument {
  readonly doc: Y.Doc

  constructor(doc: Y.Doc) {
    this.doc = doc
  }

  get title(): string {
    return textOf(this.doc.getMap('board'), 'title')
  }

  /** The columns in their order. */
  columns(): { id: string; title: string }[] {
    return mapsIn(this.doc.getMap('columns'))
      .map(([id, column]) => ({ id, title: textOf(column, 'title'), order: textOf(column, 'order') }))
      .sort(byOrder)
      .map(({ id, title }) => ({ id, title }))
  }

  /** The cards in their order: of one column, or all of them. */
  cards(columnId?: string): BoardCardView[] {
    const columns = columnId === undefined ? this.columns().map(({ id }) => id) : [columnId]
    return columns.flatMap((each) => this.#places(each).map(({ id }) => this.card(id)!))
  }

  /** A card, or null where there is none. */
  card(cardId: string): BoardCardView | null {
    const card = mapOf(this.doc.getMap('cards'), cardId)
    if (!card) return null
    return {
      id: cardId,
      columnId: textOf(card, 'columnId'),
      title: textOf(card, 'title'),
      labels: namesIn(mapOf(card, 'labels')),
      assignees: namesIn(mapOf(card, 'assignees')),
      checklist: mapsIn(mapOf(card, 'checklist'))
        .map(([id, item]) => ({
          id,
          order: textOf(item, 'order'),
          text: textOf(item, 'text'),
          done: item.get('done') === true,
        }))
        .sort(byOrder)
        .map(({ id, text, done }) => ({ id, text, done })),
    }
  }

  /** Adds a card and returns its id. Throws `not_found` for an unknown column or neighbour. */
  addCard(columnId: string, title: string, place: CardPlace & { checklist?: string[] } = {}): string {
    this.#requireColumn(columnId)
    const id = createClientId()
    this.doc.transact(() => {
      const order = this.#orderAt(columnId, id, place)
      const card = new Y.Map<unknown>()
      for (const [key, value] of Object.entries({ id, columnId, order, title, createdAt: new Date().toISOString() })) {
        card.set(key, value)
      }
      card.set('description', new Y.XmlFragment())
      const checklist = new Y.Map<unknown>()
      const texts = place.checklist ?? []
      const orders = generateNKeysBetween(null, null, texts.length)
      texts.forEach((text, index) => {
        checklist.set(createClientId(), new Y.Map(Object.entries({ text, done: false, order: orders[index] })))
      })
      card.set('checklist', checklist)
      for (const key of ['assignees', 'labels']) card.set(key, new Y.Map())
      this.doc.getMap('cards').set(id, card)
    })
    return id
  }

  /** Moves a card: to another column, or within its own. Throws `not_found`. */
  moveCard(cardId: string, place: CardPlace & { columnId?: string }): void {
    const card = this.#requireCard(cardId)
    const columnId = place.columnId ?? textOf(card, 'columnId')
    this.#requireColumn(columnId)
    this.doc.transact(() => {
      const order = this.#orderAt(columnId, cardId, place)
      if (card.get('columnId') !== columnId) card.set('columnId', columnId)
      if (card.get('order') !== order) card.set('order', order)
    })
  }

  /** Ticks an item of a card's checklist off, or on again; without `done`, what it is not. Throws `not_found`. */
  toggleChecklist(cardId: string, itemId: string, done?: boolean): void {
    const list = mapOf(this.#requireCard(cardId), 'checklist')
    const item = list && mapOf(list, itemId)
    if (!item) throw new PhantomError('not_found', 'item not found')
    const next = done ?? item.get('done') !== true
    if (item.get('done') !== next) item.set('done', next)
  }

  /** Calls a handler with the ids of cards that changed, by whomever; returns the function that removes it. */
  onCards(handler: (cardIds: string[]) => void): () => void {
    const cards = this.doc.getMap('cards')
    const observe = (events: Y.YEvent<any>[]) => {
      const ids = new Set<string>()
      for (const event of events) {
        if (event.path.length > 0) ids.add(String(event.path[0]))
        else for (const key of event.changes.keys.keys()) ids.add(key)
      }
      handler([...ids])
    }
    cards.observeDeep(observe)
    return () => cards.unobserveDeep(observe)
  }

  #places(columnId: string): Placed[] {
    return mapsIn(this.doc.getMap('cards'))
      .filter(([, card]) => card.get('columnId') === columnId)
      .map(([id, card]) => ({ id, order: textOf(card, 'order') }))
      .sort(byOrder)
  }

  /** The order of a card at a place; where no key fits between its neighbours', the column is numbered anew. */
  #orderAt(columnId: string, cardId: string, { beforeId, afterId, index }: CardPlace): string {
    const others = this.#places(columnId).filter(({ id }) => id !== cardId)
    const neighbour = beforeId ?? afterId
    let at = Math.max(0, Math.min(index ?? others.length, others.length))
    if (neighbour !== undefined) {
      const found = others.findIndex(({ id }) => id === neighbour)
      if (found < 0) throw new PhantomError('not_found', 'card not found')
      at = beforeId === undefined ? found + 1 : found
    }
    try {
      return generateKeyBetween(others[at - 1]?.order ?? null, others[at]?.order ?? null)
    } catch {
      // Equal keys after concurrent inserts, or texts that are none.
      const keys = generateNKeysBetween(null, null, others.length + 1)
      const [own] = keys.splice(at, 1)
      others.forEach(({ id }, place) => {
        this.#requireCard(id).set('order', keys[place])
      })
      return own!
    }
  }

  #requireCard(cardId: string): Y.Map<unknown> {
    const card = mapOf(this.doc.getMap('cards'), cardId)
    if (!card) throw new PhantomError('not_found', 'card not found')
    return card
  }

  #requireColumn(columnId: string): void {
    if (!mapOf(this.doc.getMap('columns'), columnId)) throw new PhantomError('not_found', 'column not found')
  }
}
