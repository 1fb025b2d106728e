import { randomInt } from 'node:crypto'
import * as Y from 'yjs'

/** What one author types, one character an update, into a text of its own. */
export interface Script {
  clientId: number
  updates: Uint8Array[]
  text: string
}

const PHRASE = 'take the second chorus a little slower, brushes only, and leave the hi-hat out of the bridge '

/** Updates as an editor makes them, made before anything is measured. */
export function writeScript(count: number, author: number): Script {
  const doc = new Y.Doc()
  // Ids of one size, so that every author's updates weigh the same.
  doc.clientID = 2 ** 31 + author * 65_536 + randomInt(65_536)
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => void updates.push(update))
  const text = doc.getText(nameOf(author))
  for (let at = 0; at < count; at++) text.insert(at, PHRASE[at % PHRASE.length]!)
  return { clientId: doc.clientID, updates, text: text.toString() }
}

export const nameOf = (author: number) => `text-${author}`

/** A board that a few people have edited 100,000 times, as a hundred updates of many edits each. */
export function writeLargeBoard(edits: number): { updates: Uint8Array[]; state: Uint8Array; cards: number } {
  const authors = Array.from({ length: 8 }, () => new Y.Doc())
  const updates: Uint8Array[] = []
  // A generator of its own: the same board in every run.
  let seed = 1
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
  const merged = new Y.Doc()
  const perTurn = edits / 100
  let cards = 0
  for (let done = 0; done < edits; done += perTurn) {
    const author = authors[random(authors.length)]!
    Y.applyUpdate(author, Y.encodeStateAsUpdate(merged, Y.encodeStateVector(author)))
    const parts: Uint8Array[] = []
    const collect = (update: Uint8Array) => void parts.push(update)
    author.on('update', collect)
    const map = author.getMap<Y.Map<unknown>>('cards')
    for (let edit = 0; edit < Math.min(perTurn, edits - done); edit++) {
      const kind = random(100)
      if (cards === 0 || kind < 1) {
        const card = new Y.Map<unknown>([
          ['id', `card-${cards}`],
          ['columnId', 'todo'],
          ['order', 'a0'],
          ['title', 'Record it'],
        ] as [string, unknown][])
        card.set('description', new Y.Text())
        map.set(`card-${cards++}`, card)
        continue
      }
      const card = map.get(`card-${random(cards)}`)!
      if (kind < 6) card.set('columnId', ['todo', 'doing', 'done'][random(3)])
      else if (kind < 10) card.set('order', `a${random(1_000)}`)
      else {
        const text = card.get('description') as Y.Text
        // Most people write on where they wrote last, and take some of it back.
        if (kind < 20 && text.length > 3) text.delete(text.length - 2, 1)
        else text.insert(kind < 40 ? random(text.length + 1) : text.length, PHRASE[edit % PHRASE.length]!)
      }
    }
    author.off('update', collect)
    const update = Y.mergeUpdates(parts)
    Y.applyUpdate(merged, update)
    updates.push(update)
  }
  return { updates, state: Y.encodeStateAsUpdate(merged), cards }
}

/** A small board: a few columns and cards, as one update. */
export function writeSmallBoard(): Uint8Array {
  const doc = new Y.Doc()
  doc.transact(() => {
    for (let index = 0; index < 10; index++) {
      const card = new Y.Map<unknown>()
      doc.getMap('cards').set(`card-${index}`, card)
      const fields = { id: `card-${index}`, columnId: 'todo', order: `a${index}`, title: `Record take ${index}` }
      for (const [key, value] of Object.entries(fields)) card.set(key, value)
      const description = new Y.Text()
      card.set('description', description)
      description.insert(0, PHRASE)
    }
  })
  return Y.encodeStateAsUpdate(doc)
}
