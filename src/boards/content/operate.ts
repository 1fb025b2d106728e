import * as Y from 'yjs'
import { conflict, invalid } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Operated, Operation } from './operations.ts'
import type { Position } from './order.ts'
import { missing, Plan, type PlannedList } from './plan.ts'
import { cardsOf, columnsOf, mapOf, notesOf } from './shape.ts'
import { fragmentOf } from './text.ts'
import { mapAt, put, putItems, putNames, putOrders, putText, withIds } from './write.ts'

/** In whose name operations are done, and when. */
export interface Author {
  userId: string
  at: Date
}

type CardFields = Extract<Operation, { op: 'card.add' | 'card.update' }>
type Write = () => void

/**
 * Does operations on a board's document in one transaction: all or none, as each is tried on a plan of the board before
 * anything is written. Throws `not_found` for a column, card, note or item that is not there, `conflict` for an id that
 * is taken or a board that is full, `invalid` for what contradicts itself.
 */
export function operate(doc: Y.Doc, operations: Operation[], author: Author): Operated {
  const plan = new Plan(doc)
  const [columns, cards, notes] = [columnsOf(doc), cardsOf(doc), notesOf(doc)]
  const touched = { columns: new Set<string>(), cards: new Set<string>(), notes: new Set<string>() }
  const writes: Write[] = []

  const ids = operations.map((operation, index) => step(operation, `operations.${index}`))
  doc.transact(() => {
    for (const write of writes) write()
  }, author)
  return {
    ids,
    columnIds: [...touched.columns],
    cardIds: [...touched.cards],
    noteIds: [...touched.notes],
  }

  function step(operation: Operation, path: string): string {
    switch (operation.op) {
      case 'column.add': {
        const { columnId = newId(), title } = operation
        plan.requireNew('columns', columnId)
        const order = placeIn(plan.columns, columns, touched.columns, columnId, operation, path)
        writes.push(() => columns.set(columnId, mapFrom({ id: columnId, title, order })))
        return columnId
      }
      case 'column.update': {
        const { columnId, title } = operation
        plan.requireColumn(columnId, `${path}.columnId`)
        touched.columns.add(columnId)
        rename(columns, columnId, title)
        if (isPlaced(operation)) reorder(plan.columns, columns, touched.columns, columnId, operation, path)
        return columnId
      }
      case 'column.remove': {
        const { columnId, moveCardsTo } = operation
        plan.requireColumn(columnId, `${path}.columnId`)
        if (moveCardsTo === columnId) throw invalid('The cards can’t go where they are', `${path}.moveCardsTo`)
        if (moveCardsTo !== undefined) plan.requireColumn(moveCardsTo, `${path}.moveCardsTo`)
        for (const { id } of [...plan.cardsIn(columnId).items]) {
          if (moveCardsTo === undefined) removeCard(id)
          else moveCard(id, moveCardsTo, {}, path)
        }
        plan.columns.remove(columnId)
        touched.columns.add(columnId)
        writes.push(() => columns.delete(columnId))
        return columnId
      }
      case 'card.add': {
        const { cardId = newId(), columnId, title } = operation
        plan.requireNew('cards', cardId)
        plan.requireColumn(columnId, `${path}.columnId`)
        const { order, others } = plan.place(cardId, columnId, operation, path)
        renumber(cards, touched.cards, others)
        touched.cards.add(cardId)
        const { userId, at } = author
        writes.push(() => {
          const made = { id: cardId, columnId, order, title, createdBy: userId, createdAt: at.toISOString() }
          const card = mapFrom(made)
          // There from the start, so that two editors who open it don't each make one.
          card.set('description', fragmentOf(operation.description ?? ''))
          for (const key of ['assignees', 'labels', 'checklist']) card.set(key, new Y.Map())
          cards.set(cardId, card)
        })
        plan.setItems(cardId, [])
        writeFields(cardId, { ...operation, description: undefined }, path)
        return cardId
      }
      case 'card.update': {
        const { cardId, title, check } = operation
        plan.columnOf(cardId, `${path}.cardId`)
        touched.cards.add(cardId)
        rename(cards, cardId, title)
        writeFields(cardId, operation, path)
        if (check) {
          const known = plan.itemsOf(cardId)
          check.forEach(({ itemId, done }, at) => {
            if (!known.has(itemId)) throw missing('item', `${path}.check.${at}.itemId`)
            writes.push(() => put(mapOf(mapAt(mapOf(cards, cardId)!, 'checklist'), itemId)!, 'done', done))
          })
        }
        return cardId
      }
      case 'card.move': {
        const { cardId } = operation
        const from = plan.columnOf(cardId, `${path}.cardId`)
        const { columnId = from } = operation
        plan.requireColumn(columnId, `${path}.columnId`)
        moveCard(cardId, columnId, operation, path)
        return cardId
      }
      case 'card.remove':
        plan.columnOf(operation.cardId, `${path}.cardId`)
        removeCard(operation.cardId)
        return operation.cardId
      case 'note.add': {
        const { noteId = newId(), title, body = '' } = operation
        plan.requireNew('notes', noteId)
        const order = placeIn(plan.notes, notes, touched.notes, noteId, operation, path)
        writes.push(() => notes.set(noteId, mapFrom({ id: noteId, title, order, body: fragmentOf(body) })))
        return noteId
      }
      case 'note.update': {
        const { noteId, title, body } = operation
        plan.requireNote(noteId, `${path}.noteId`)
        touched.notes.add(noteId)
        rename(notes, noteId, title)
        if (body !== undefined) writes.push(() => putText(mapOf(notes, noteId)!, 'body', body))
        if (isPlaced(operation)) reorder(plan.notes, notes, touched.notes, noteId, operation, path)
        return noteId
      }
      case 'note.remove': {
        const { noteId } = operation
        plan.requireNote(noteId, `${path}.noteId`)
        plan.notes.remove(noteId)
        touched.notes.add(noteId)
        writes.push(() => notes.delete(noteId))
        return noteId
      }
    }
  }

  /** The order key of a new place in a list; those that had to get another one are written. */
  function placeIn(
    list: PlannedList,
    map: Y.Map<unknown>,
    changed: Set<string>,
    id: string,
    position: Position,
    path: string,
  ): string {
    const { order, others } = list.insert(id, position, path)
    renumber(map, changed, others)
    changed.add(id)
    return order
  }

  function reorder(
    list: PlannedList,
    map: Y.Map<unknown>,
    changed: Set<string>,
    id: string,
    position: Position,
    path: string,
  ) {
    list.remove(id)
    const order = placeIn(list, map, changed, id, position, path)
    writes.push(() => put(mapOf(map, id)!, 'order', order))
  }

  function renumber(map: Y.Map<unknown>, changed: Set<string>, others: { id: string; order: string }[]) {
    if (others.length === 0) return
    for (const { id } of others) changed.add(id)
    const places = others.map((place) => ({ ...place }))
    writes.push(() => putOrders(map, places))
  }

  function rename(map: Y.Map<unknown>, id: string, title: string | undefined) {
    if (title !== undefined) writes.push(() => put(mapOf(map, id)!, 'title', title))
  }

  function moveCard(cardId: string, columnId: string, position: Position, path: string) {
    const { order, others } = plan.place(cardId, columnId, position, path)
    renumber(cards, touched.cards, others)
    touched.cards.add(cardId)
    writes.push(() => {
      const card = mapOf(cards, cardId)!
      put(card, 'columnId', columnId)
      put(card, 'order', order)
    })
  }

  function removeCard(cardId: string) {
    plan.removeCard(cardId)
    touched.cards.add(cardId)
    writes.push(() => cards.delete(cardId))
  }

  function writeFields(cardId: string, fields: CardFields, path: string) {
    const { description, assignees, labels, dueAt, checklist, audioFileId } = fields
    const items = checklist && withIds(checklist)
    if (items) {
      const known = new Set(items.map(({ id }) => id))
      if (known.size < items.length) throw conflict(`Two items of ${path}.checklist have one id`)
      plan.setItems(cardId, known)
    }
    writes.push(() => {
      const card = mapOf(cards, cardId)!
      if (description !== undefined) putText(card, 'description', description)
      if (assignees) putNames(card, 'assignees', assignees)
      if (labels) putNames(card, 'labels', labels)
      if (items) putItems(card, items)
      for (const [key, value] of Object.entries({ dueAt, audioFileId })) {
        if (value === null && card.has(key)) card.delete(key)
        else if (value) put(card, key, value)
      }
    })
  }
}

const isPlaced = ({ beforeId, afterId, index }: Position) =>
  beforeId !== undefined || afterId !== undefined || index !== undefined

const mapFrom = (entries: Record<string, unknown>): Y.Map<unknown> => new Y.Map(Object.entries(entries))
