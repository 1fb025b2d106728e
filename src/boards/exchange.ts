import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { AwarenessEntry } from './protocol.ts'
import type { StoredRecord } from './store.ts'

/** A state of a client of another instance, with the user whom it belongs to. */
export interface SharedEntry extends AwarenessEntry {
  userId: string
}

/** What instances tell each other about a board that both have open. */
export type Message =
  /** Stored records. `seq` counts what an instance has told of this board, so that a loss shows. */
  | { type: 'records'; seq: number; records: StoredRecord[] }
  /** The same, too large to be sent along: to be read from MongoDB. */
  | { type: 'stored'; seq: number; ids: string[] }
  | { type: 'awareness'; entries: SharedEntry[] }
  /** Somebody has opened the board, and asks for the others' awareness. */
  | { type: 'opened' }
  | { type: 'removed' }

const kinds = ['records', 'stored', 'awareness', 'opened', 'removed'] as const

/** A message with its sender, as bytes. */
export function encodeMessage(sender: string, message: Message): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeUint8(encoder, kinds.indexOf(message.type))
  encoding.writeVarString(encoder, sender)
  if (message.type === 'records') {
    encoding.writeVarUint(encoder, message.seq)
    encoding.writeVarUint(encoder, message.records.length)
    for (const { id, updates } of message.records) {
      encoding.writeVarString(encoder, id)
      encoding.writeVarUint(encoder, updates.length)
      for (const update of updates) encoding.writeVarUint8Array(encoder, update)
    }
  } else if (message.type === 'stored') {
    encoding.writeVarUint(encoder, message.seq)
    encoding.writeVarUint(encoder, message.ids.length)
    for (const id of message.ids) encoding.writeVarString(encoder, id)
  } else if (message.type === 'awareness') {
    encoding.writeVarUint(encoder, message.entries.length)
    for (const { clientId, clock, userId, state } of message.entries) {
      encoding.writeVarUint(encoder, clientId)
      encoding.writeVarUint(encoder, clock)
      encoding.writeVarString(encoder, userId)
      encoding.writeVarString(encoder, state)
    }
  }
  return encoding.toUint8Array(encoder)
}

/** Throws for what `encodeMessage` did not make. */
export function decodeMessage(bytes: Uint8Array): { sender: string; message: Message } {
  const decoder = decoding.createDecoder(bytes)
  const type = kinds[decoding.readUint8(decoder)]
  const sender = decoding.readVarString(decoder)
  const list = <T>(read: () => T): T[] => Array.from({ length: decoding.readVarUint(decoder) }, read)
  const text = () => decoding.readVarString(decoder)
  switch (type) {
    case 'records': {
      const seq = decoding.readVarUint(decoder)
      const records = list(() => ({ id: text(), updates: list(() => decoding.readVarUint8Array(decoder)) }))
      return { sender, message: { type, seq, records } }
    }
    case 'stored':
      return { sender, message: { type, seq: decoding.readVarUint(decoder), ids: list(text) } }
    case 'awareness': {
      const entries = list(() => ({
        clientId: decoding.readVarUint(decoder),
        clock: decoding.readVarUint(decoder),
        userId: text(),
        state: text(),
      }))
      return { sender, message: { type, entries } }
    }
    case 'opened':
    case 'removed':
      return { sender, message: { type } }
    default:
      throw new Error('an unknown message between instances')
  }
}
