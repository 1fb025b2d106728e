import { BareSocket, openAll, type SocketTarget } from '../lib/bare-socket.ts'
import { encodeFrame, OPCODE } from '../lib/frames.ts'

/** Where and how a board is reached: @hocuspocus names the document in each frame, and asks for a token first. */
export interface BoardAddress extends SocketTarget {
  /** @hocuspocus/server's dialect: the document's name. */
  name: string | null
}

export interface BoardEvents {
  /** A document update: bytes `start` to `end`, valid during the call. */
  update?(socket: BoardSocket, bytes: Buffer, start: number, end: number): void
  /** An awareness message's body, likewise. */
  awareness?(socket: BoardSocket, bytes: Buffer, start: number, end: number): void
  lost?(socket: BoardSocket, reason: string): void
}

/** Every socket reads into this one buffer. */
const readBuffer = Buffer.allocUnsafe(1024 * 1024)
const EMPTY_UPDATE = Buffer.from([0, 0])
const type = { sync: 0, awareness: 1, auth: 2 } as const
const step = { one: 0, two: 1, update: 2 } as const

/**
 * A client of the y-websocket protocol that keeps no document: it answers the server's first sync step, and counts what
 * comes. It is open when the document's state has come.
 */
export class BoardSocket extends BareSocket {
  readonly index: number
  /** Bytes of the document that have come, as second sync steps and updates. */
  documentBytes = 0
  updates = 0
  private readonly address: BoardAddress
  private readonly events: BoardEvents
  private readonly prefix: Buffer

  constructor(index: number, address: BoardAddress, events: BoardEvents) {
    super(address, OPCODE.binary, readBuffer)
    this.index = index
    this.address = address
    this.events = events
    this.prefix = address.name === null ? Buffer.alloc(0) : varBytes(Buffer.from(address.name))
  }

  /** An update as it goes over the wire: to be written with `send`, alone or with others. */
  encodeUpdate(update: Uint8Array): Buffer {
    return this.encode([type.sync, step.update], update)
  }

  /** An awareness state as it goes over the wire. */
  encodeAwareness(clientId: number, clock: number, state: string): Buffer {
    const text = Buffer.from(state)
    const body = Buffer.concat([varUint(1), varUint(clientId), varUint(clock), varBytes(text)])
    return this.encode([type.awareness], body)
  }

  protected override greet(): void {
    if (this.address.name === null) {
      this.askForState()
      return
    }
    const token = varBytes(Buffer.from('token'))
    this.send(encodeFrame(Buffer.concat([this.prefix, Buffer.from([type.auth, 0]), token]), OPCODE.binary))
  }

  protected onLost(reason: string): void {
    this.events.lost?.(this, reason)
  }

  protected message(bytes: Buffer, begin: number, end: number): void {
    const start = begin + this.prefix.length
    const kind = bytes[start]!
    if (kind === type.sync) {
      const part = bytes[start + 1]!
      const body = skipVarUint(bytes, start + 2)
      if (part === step.one) this.send(this.encode([type.sync, step.two], EMPTY_UPDATE))
      else {
        this.documentBytes += end - body
        if (part === step.two) this.opened()
        else {
          this.updates++
          this.events.update?.(this, bytes, body, end)
        }
      }
    } else if (kind === type.awareness) this.events.awareness?.(this, bytes, skipVarUint(bytes, start + 1), end)
    else if (kind === type.auth) this.askForState()
  }

  private askForState(): void {
    this.send(this.encode([type.sync, step.one], Buffer.from([0])))
  }

  private encode(lead: number[], body: Uint8Array): Buffer {
    return encodeFrame(Buffer.concat([this.prefix, Buffer.from(lead), varBytes(body)]), OPCODE.binary)
  }
}

function varUint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push(128 | (rest & 127))
  bytes.push(rest)
  return Buffer.from(bytes)
}

const varBytes = (bytes: Uint8Array) => Buffer.concat([varUint(bytes.length), bytes])

/** Where the number that begins here ends. */
export function skipVarUint(bytes: Buffer, start: number): number {
  let at = start
  while (bytes[at]! > 127) at++
  return at + 1
}

/** The number that begins here, and where it ends. */
export function readVarUint(bytes: Buffer, start: number): [value: number, end: number] {
  let value = 0
  let scale = 1
  let at = start
  for (;;) {
    const byte = bytes[at++]!
    value += (byte & 127) * scale
    if (byte < 128) return [value, at]
    scale *= 128
  }
}

/** Opens a socket at each address, at most `width` at a time. */
export const openSockets = (addresses: BoardAddress[], events: BoardEvents, width = 16): Promise<BoardSocket[]> =>
  openAll(addresses.length, width, (index) => new BoardSocket(index, addresses[index]!, events), 60_000)
