/** Runs in a worker thread: what would hold up the event loop. */
import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import { inspectUpdate } from './inspection.ts'
import { unpack } from './protocol.ts'
import { BrokenFrame } from './types.ts'

/** `parts` are packed. */
export type Task =
  /** Nothing but to be there. */
  | { type: 'start' }
  /** Applies updates one by one; merging them without a document takes many times as long. */
  | { type: 'replay'; parts: Uint8Array }
  /** Whether an update can be applied to a document of these parts. */
  | { type: 'prove'; parts: Uint8Array; update: Uint8Array }

export type Answer =
  | { type: 'started' }
  | { type: 'replayed'; state: Uint8Array; stateVector: Uint8Array }
  | { type: 'fits' }
  | { type: 'broken'; reason: string }

export default function run(task: Task): Answer {
  if (task.type === 'start') return { type: 'started' }
  const doc = new Y.Doc()
  // As one transaction, or each of many updates would tidy up behind itself.
  doc.transact(() => {
    for (const part of unpack(task.parts)) Y.applyUpdate(doc, part)
  })
  if (task.type === 'replay') {
    if (doc.store.pendingStructs || doc.store.pendingDs) return { type: 'broken', reason: 'updates are missing' }
    return { type: 'replayed', state: Y.encodeStateAsUpdate(doc), stateVector: Y.encodeStateVector(doc) }
  }
  // The board itself says what becomes of it then.
  if (doc.store.pendingStructs || doc.store.pendingDs) return { type: 'fits' }
  try {
    const { missing } = inspectUpdate(task.update, (client) => Y.getState(doc.store, client))
    // The board asks for what is missing.
    if (missing) return { type: 'fits' }
    Y.readUpdate(decoding.createDecoder(task.update), doc, 'remote')
    if (doc.store.pendingStructs || doc.store.pendingDs) throw new BrokenFrame('it builds on itself')
    return { type: 'fits' }
  } catch (error) {
    return { type: 'broken', reason: error instanceof BrokenFrame ? error.message : 'it can’t be applied' }
  }
}
