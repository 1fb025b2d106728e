import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import { BrokenFrame } from './types.ts'

/** A client's state as the awareness protocol carries it; `state` is JSON, `null` for one that has left. */
export interface AwarenessEntry {
  clientId: number
  clock: number
  state: string
}

/** What a client can say in the y-websocket protocol. */
export type ClientMessage =
  | { type: 'step1'; stateVector: Uint8Array; isEmpty: boolean }
  | { type: 'step2'; update: Uint8Array }
  | { type: 'update'; update: Uint8Array }
  | { type: 'awareness'; entries: AwarenessEntry[] }
  | { type: 'queryAwareness' }

const message = { sync: 0, awareness: 1, queryAwareness: 3 } as const
const sync = { step1: 0, step2: 1, update: 2 } as const

/** States that one frame may carry: a stock client echoes those of all that it sees. */
const maxEntries = 2_000

/** Reads a client's frame, to its last byte. Throws BrokenFrame. */
export function readMessage(frame: Uint8Array): ClientMessage {
  try {
    const decoder = decoding.createDecoder(frame)
    const read = readBody(decoder)
    if (decoder.pos !== frame.length) throw new BrokenFrame('bytes are left over')
    return read
  } catch (error) {
    if (error instanceof BrokenFrame) throw error
    throw new BrokenFrame('not a message of the protocol', { cause: error })
  }
}

function readBody(decoder: decoding.Decoder): ClientMessage {
  const type = decoding.readVarUint(decoder)
  if (type === message.sync) {
    const step = decoding.readVarUint(decoder)
    const body = decoding.readVarUint8Array(decoder)
    if (step === sync.step1) {
      const clocks = Y.decodeStateVector(body)
      return { type: 'step1', stateVector: body, isEmpty: clocks.size === 0 }
    }
    if (step === sync.step2) return { type: 'step2', update: body }
    if (step === sync.update) return { type: 'update', update: body }
  }
  if (type === message.awareness)
    return { type: 'awareness', entries: readEntries(decoding.readVarUint8Array(decoder)) }
  if (type === message.queryAwareness) return { type: 'queryAwareness' }
  throw new BrokenFrame('an unknown message')
}

function readEntries(body: Uint8Array): AwarenessEntry[] {
  const decoder = decoding.createDecoder(body)
  const count = decoding.readVarUint(decoder)
  if (count > maxEntries) throw new BrokenFrame('too many states')
  const entries: AwarenessEntry[] = []
  for (let index = 0; index < count; index++) {
    const clientId = decoding.readVarUint(decoder)
    const clock = decoding.readVarUint(decoder)
    entries.push({ clientId, clock, state: decoding.readVarString(decoder) })
  }
  if (decoder.pos !== body.length) throw new BrokenFrame('bytes are left over')
  return entries
}

const varUintLength = (value: number) => {
  let length = 1
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) length++
  return length
}

function writeVarUint(target: Uint8Array, at: number, value: number): number {
  let rest = value
  let position = at
  while (rest > 127) {
    target[position++] = 128 | (rest & 127)
    rest = Math.floor(rest / 128)
  }
  target[position++] = rest
  return position
}

/** A whole binary WebSocket frame (RFC 6455, 5.2) as a server sends it, around a body behind these bytes and its length. */
function frame(lead: readonly number[], body: Uint8Array): Buffer {
  const length = lead.length + varUintLength(body.length) + body.length
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const bytes = Buffer.allocUnsafe(header + length)
  bytes[0] = 0x82
  if (header === 2) bytes[1] = length
  else if (header === 4) {
    bytes[1] = 126
    bytes.writeUInt16BE(length, 2)
  } else {
    bytes[1] = 127
    bytes.writeUInt32BE(Math.floor(length / 2 ** 32), 2)
    bytes.writeUInt32BE(length >>> 0, 6)
  }
  let at = header
  for (const byte of lead) bytes[at++] = byte
  at = writeVarUint(bytes, at, body.length)
  bytes.set(body, at)
  return bytes
}

/** Frames as they go to sockets. */
export const frames = {
  step1: (stateVector: Uint8Array) => frame([message.sync, sync.step1], stateVector),
  step2: (update: Uint8Array) => frame([message.sync, sync.step2], update),
  update: (update: Uint8Array) => frame([message.sync, sync.update], update),
  awareness: (body: Uint8Array) => frame([message.awareness], body),
}

/** The body of an awareness message. */
export function awarenessBody(entries: readonly AwarenessEntry[]): Uint8Array {
  const texts = entries.map((entry) => Buffer.from(entry.state))
  let length = varUintLength(entries.length)
  entries.forEach((entry, index) => {
    const text = texts[index]!
    length += varUintLength(entry.clientId) + varUintLength(entry.clock) + varUintLength(text.length) + text.length
  })
  const body = new Uint8Array(length)
  let at = writeVarUint(body, 0, entries.length)
  entries.forEach((entry, index) => {
    const text = texts[index]!
    at = writeVarUint(body, at, entry.clientId)
    at = writeVarUint(body, at, entry.clock)
    at = writeVarUint(body, at, text.length)
    body.set(text, at)
    at += text.length
  })
  return body
}

/** Updates in one piece, each behind its length; `unpack` gives views into it. */
export function pack(updates: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const update of updates) length += varUintLength(update.length) + update.length
  const packed = new Uint8Array(length)
  let at = 0
  for (const update of updates) {
    at = writeVarUint(packed, at, update.length)
    packed.set(update, at)
    at += update.length
  }
  return packed
}

/** Throws where the bytes are not what `pack` gave. */
export function unpack(packed: Uint8Array): Uint8Array[] {
  const decoder = decoding.createDecoder(packed)
  const updates: Uint8Array[] = []
  while (decoding.hasContent(decoder)) updates.push(decoding.readVarUint8Array(decoder))
  return updates
}
