import { generateKeyBetween } from 'fractional-indexing'
import * as Y from 'yjs'

/** No client draws it: Yjs' own ids are random, and 0 is as likely as any other of four billion. */
const templateClient = 0

/**
 * What a new board begins with: the columns To do, Doing and Done, and the project's title. The same title gives the same
 * bytes, and to apply them twice changes nothing.
 */
export function initialUpdate(projectTitle = ''): Uint8Array {
  const doc = new Y.Doc()
  doc.clientID = templateClient
  doc.transact(() => {
    const board = doc.getMap('board')
    board.set('title', projectTitle)
    board.set('version', 1)
    const columns = doc.getMap('columns')
    let order: string | null = null
    for (const [id, title] of [
      ['todo', 'To do'],
      ['doing', 'Doing'],
      ['done', 'Done'],
    ] as const) {
      order = generateKeyBetween(order, null)
      const column = new Y.Map<string>()
      column.set('id', id)
      column.set('title', title)
      column.set('order', order)
      columns.set(id, column)
    }
  })
  return Y.encodeStateAsUpdate(doc)
}
