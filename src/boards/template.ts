import { createHash } from 'node:crypto'
import * as Y from 'yjs'
import { keysFor } from './content/order.ts'
import { boardOf, columnsOf } from './content/shape.ts'

const columns = [
  ['todo', 'To do'],
  ['doing', 'Doing'],
  ['done', 'Done'],
] as const

/**
 * The first update of a new project's board: the same bytes for the same title, so that applying it twice is harmless.
 * The client id is fixed by the title: with one for all, two titles would claim the same place in the history.
 */
export function initialUpdate(title = ''): Uint8Array {
  const doc = new Y.Doc()
  doc.clientID = createHash('sha256').update(`board ${title}`).digest().readUInt32BE(0)
  doc.transact(() => {
    const board = boardOf(doc)
    board.set('title', title)
    board.set('version', 1)
    const keys = keysFor(columns.length)
    columns.forEach(([id, name], index) => {
      const column = new Y.Map<unknown>()
      column.set('id', id)
      column.set('title', name)
      column.set('order', keys[index])
      columnsOf(doc).set(id, column)
    })
  })
  const update = Y.encodeStateAsUpdate(doc)
  doc.destroy()
  return update
}
