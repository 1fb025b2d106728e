import * as Y from 'yjs'
import type { Random } from '../../shared/random.ts'

/** The map in which every edit leaves its mark. */
export const MARKS = 'edits'
export const SHAPE = ['board', 'columns', 'cards', 'notes', MARKS]

const COLUMNS = ['todo', 'doing', 'done']
const WORDS = 'bass drum verse chorus bridge tempo reverb sample loop mix'.split(' ')

/** Does one of what people do at a board to its cards: adds, moves, renames, describes, ticks off and removes. */
export function editAtRandom(doc: Y.Doc, random: Random, id: string): void {
  const cards = doc.getMap<Y.Map<unknown>>('cards')
  const ids = [...cards.keys()].sort()
  const kind = random.int(0, 99)
  if (ids.length < 4 || kind < 20) {
    const card = new Y.Map<unknown>()
    const fields = { id, columnId: 'todo', order: `a${random.int(0, 999)}`, title: random.pick(WORDS) }
    for (const [key, value] of Object.entries(fields)) card.set(key, value)
    card.set('description', new Y.XmlFragment())
    card.set('checklist', new Y.Map())
    cards.set(id, card)
    return
  }
  const cardId = random.pick(ids)
  const card = cards.get(cardId)!
  if (kind < 45) {
    card.set('columnId', random.pick(COLUMNS))
    card.set('order', `a${random.int(0, 999)}`)
  } else if (kind < 60) card.set('title', `${random.pick(WORDS)} ${random.pick(WORDS)}`)
  else if (kind < 80) describe(card, random)
  else if (kind < 90) tick(card, random)
  else cards.delete(cardId)
}

function describe(card: Y.Map<unknown>, random: Random) {
  const description = card.get('description')
  if (!(description instanceof Y.XmlFragment)) return
  if (description.length > 3) {
    description.delete(random.int(0, description.length - 1), 1)
    return
  }
  const paragraph = new Y.XmlElement('paragraph')
  paragraph.insert(0, [new Y.XmlText(`${random.pick(WORDS)} ${random.pick(WORDS)}`)])
  description.insert(random.int(0, description.length), [paragraph])
}

function tick(card: Y.Map<unknown>, random: Random) {
  const checklist = card.get('checklist')
  if (!(checklist instanceof Y.Map)) return
  const name = `item-${random.int(0, 2)}`
  const item = checklist.get(name)
  if (item instanceof Y.Map) item.set('done', random.next() < 0.5)
  else checklist.set(name, new Y.Map(Object.entries({ text: random.pick(WORDS), done: false, order: name })))
}
