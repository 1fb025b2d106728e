import * as Y from 'yjs'
import type { BoardCard, BoardColumn, BoardNote, BoardPicture } from './picture.ts'
import { boardOf, byOrder, cardsOf, columnsOf, mapOf, mapsIn, namesIn, notesOf, textOf, textOrNull } from './shape.ts'
import { plainText } from './text.ts'

/** The board as JSON. Whatever foreign clients have written: what is not as it should be is left out or empty. */
export function project(doc: Y.Doc): BoardPicture {
  const columns: BoardColumn[] = [...mapsIn(columnsOf(doc))]
    .map(([id, column]) => ({ id, title: textOf(column, 'title'), order: textOf(column, 'order'), cards: [] }))
    .sort(byOrder)
  const byId = new Map(columns.map((column) => [column.id, column]))
  const unplaced: BoardCard[] = []
  for (const [id, card] of mapsIn(cardsOf(doc))) {
    const shown = cardOf(id, card)
    ;(byId.get(shown.columnId)?.cards ?? unplaced).push(shown)
  }
  for (const { cards } of columns) cards.sort(byOrder)
  return {
    title: textOf(boardOf(doc), 'title'),
    columns,
    unplaced: unplaced.sort(byOrder),
    notes: [...mapsIn(notesOf(doc))].map(([id, note]) => noteOf(id, note)).sort(byOrder),
    stateVector: Buffer.from(Y.encodeStateVector(doc)).toString('base64'),
  }
}

/** The board as JSON without the state vector: what a file of it holds. */
export function toJson(doc: Y.Doc): Omit<BoardPicture, 'stateVector'> {
  const { stateVector: _, ...content } = project(doc)
  return content
}

function cardOf(id: string, card: Y.Map<unknown>): BoardCard {
  return {
    id,
    columnId: textOf(card, 'columnId'),
    order: textOf(card, 'order'),
    title: textOf(card, 'title'),
    description: plainText(card.get('description')),
    assignees: namesIn(mapOf(card, 'assignees')),
    labels: namesIn(mapOf(card, 'labels')),
    dueAt: textOrNull(card, 'dueAt'),
    checklist: [...mapsIn(mapOf(card, 'checklist'))]
      .map(([itemId, item]) => ({
        id: itemId,
        text: textOf(item, 'text'),
        done: item.get('done') === true,
        order: textOf(item, 'order'),
      }))
      .sort(byOrder),
    audioFileId: textOrNull(card, 'audioFileId'),
    createdBy: textOrNull(card, 'createdBy'),
    createdAt: textOrNull(card, 'createdAt'),
  }
}

const noteOf = (id: string, note: Y.Map<unknown>): BoardNote => ({
  id,
  title: textOf(note, 'title'),
  order: textOf(note, 'order'),
  body: plainText(note.get('body')),
})
