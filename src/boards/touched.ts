import * as Y from 'yjs'
import type { Touch, Touched } from './types.ts'

export const createTouched = (): Touched => ({ cards: new Map(), notes: new Map(), columns: new Map() })

/** Notes for each transaction what it did to cards, notes and columns; `touched` gives where to note it. */
export function watchTouched(doc: Y.Doc, touched: () => Touched): void {
  for (const kind of ['cards', 'notes', 'columns'] as const) {
    doc.getMap(kind).observeDeep((events) => {
      const touches = touched()[kind]
      for (const event of events) note(touches, event)
    })
  }
}

function note(touches: Map<string, Touch>, event: Y.YEvent<any>) {
  const [id, ...path] = event.path
  if (id === undefined) {
    for (const [key, { action, oldValue }] of event.changes.keys) {
      const touch = touchOf(touches, key)
      touch.action = action === 'delete' ? 'remove' : action
      if (action !== 'add') Object.assign(touch.old, lastValues(oldValue))
    }
    return
  }
  const touch = touchOf(touches, String(id))
  if (!(event.target instanceof Y.Map)) {
    // A text is named as a whole: its paths are positions, which say little.
    touch.keys.add(String(path[0] ?? ''))
    return
  }
  for (const [key, { oldValue }] of event.changes.keys) {
    const name = [...path, key].join('/')
    touch.keys.add(name)
    if (isPlain(oldValue) && !(name in touch.old)) touch.old[name] = oldValue
  }
}

function touchOf(touches: Map<string, Touch>, id: string): Touch {
  let touch = touches.get(id)
  if (!touch) {
    touch = { action: 'update', keys: new Set(), old: {} }
    touches.set(id, touch)
  }
  return touch
}

const isPlain = (value: unknown) => ['string', 'number', 'boolean'].includes(typeof value)

/** What a deleted map held last: the values are still there until the transaction ends. */
function lastValues(value: unknown): Record<string, unknown> {
  if (!(value instanceof Y.Map)) return {}
  const last: Record<string, unknown> = {}
  for (const [key, item] of value._map) {
    const content = item.content.getContent()
    if (isPlain(content.at(-1))) last[key] = content.at(-1)
  }
  return last
}
