import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { type FrameSink, OPCODE, walkFrames } from '../lib/frames.ts'

/** Where and how a board is reached: @hocuspocus names the document in each frame, and asks for a token first. */
export interface BoardAddress {
  host: string
  port: number
  path: string
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

const MAX_FRAME_BYTES = 64 * 1024 * 1024
const readBuffer = Buffer.allocUnsafe(1024 * 1024)
const EMPTY_UPDATE = Buffer.from([0, 0])
const type = { sync: 0, awareness: 1, auth: 2 } as const
const step = { one: 0, two: 1, update: 2 } as const

/**
 * A client of the y-websocket protocol that keeps no document, over a bare TCP socket with one read buffer for all, so
 * that the server stays the bottleneck: it answers the server's first sync step, and counts what comes.
 */
export class BoardSocket implements FrameSink {
  readonly index: number
  /** Bytes of the document that have come, as second sync steps and updates. */
  documentBytes = 0
  updates = 0
  private readonly address: BoardAddress
  private readonly events: BoardEvents
  private readonly prefix: Buffer
  private readonly tcp: Socket
  private parts: Buffer[] = []
  private partBytes = 0
  private needed = 0
  private upgraded = false
  private closed = false
  private synced: { resolve(): void; reject(error: Error): void } | undefined

  constructor(index: number, address: BoardAddress, events: BoardEvents) {
    this.index = index
    this.address = address
    this.events = events
    this.prefix = address.name === null ? Buffer.alloc(0) : varBytes(Buffer.from(address.name))
    this.tcp = connect({
      host: address.host,
      port: address.port,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (length) => {
          this.read(length)
          return true
        },
      },
    })
    this.tcp.on('connect', () => {
      this.tcp.write(
        `GET ${address.path} HTTP/1.1\r\nHost: ${address.host}:${address.port}\r\nConnection: Upgrade\r\n` +
          `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
      )
    })
    this.tcp.on('error', (error) => this.fail(error.message))
    this.tcp.on('close', () => this.fail('closed by the server'))
  }

  /** Resolves when the document's state has come; rejects when it is refused or `timeoutMs` pass. */
  async open(timeoutMs = 60_000): Promise<this> {
    const timer = setTimeout(() => this.fail(`not synced after ${timeoutMs} ms`), timeoutMs)
    try {
      await new Promise<void>((resolve, reject) => {
        this.synced = { resolve, reject }
      })
      return this
    } finally {
      clearTimeout(timer)
      this.synced = undefined
    }
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

  send(frames: Buffer): void {
    this.tcp.write(frames)
  }

  destroy(): void {
    this.closed = true
    this.tcp.destroy()
  }

  frame(opcode: number, bytes: Buffer, start: number, end: number): void {
    if (opcode === OPCODE.binary) this.message(bytes, start + this.prefix.length, end)
    else if (opcode === OPCODE.ping) this.send(encodeFrame(Buffer.alloc(0), OPCODE.pong))
    else if (opcode === OPCODE.close) this.fail(`closed with ${bytes.readUInt16BE(start)}`)
    else this.fail(`a frame of opcode ${opcode}`)
  }

  private message(bytes: Buffer, start: number, end: number): void {
    const kind = bytes[start]!
    if (kind === type.sync) {
      const part = bytes[start + 1]!
      const body = skipVarUint(bytes, start + 2)
      if (part === step.one) this.send(this.encode([type.sync, step.two], EMPTY_UPDATE))
      else {
        this.documentBytes += end - body
        if (part === step.two) this.synced?.resolve()
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

  private fail(reason: string): undefined {
    if (this.closed) return undefined
    this.destroy()
    if (this.synced) this.synced.reject(new Error(reason))
    else this.events.lost?.(this, reason)
  }

  private read(length: number): undefined {
    if (this.closed) return undefined
    let bytes = readBuffer
    let end = length
    if (this.parts.length > 0) {
      // A large frame is put together once it is whole, not again with each piece.
      this.parts.push(Buffer.from(readBuffer.subarray(0, length)))
      this.partBytes += length
      if (this.partBytes < this.needed) return undefined
      bytes = Buffer.concat(this.parts)
      end = bytes.length
      this.parts = []
    }
    let at = 0
    if (!this.upgraded) {
      const head = bytes.subarray(0, end).indexOf('\r\n\r\n')
      if (head < 0) return this.keep(bytes, 0, end)
      const status = bytes.toString('latin1', 0, Math.min(head, 12))
      if (status !== 'HTTP/1.1 101') return this.fail(`upgrade refused: ${status}`)
      this.upgraded = true
      at = head + 4
      if (this.address.name === null) this.askForState()
      else {
        const token = varBytes(Buffer.from('token'))
        this.send(encodeFrame(Buffer.concat([this.prefix, Buffer.from([type.auth, 0]), token]), OPCODE.binary))
      }
    }
    at = walkFrames(bytes, at, end, this)
    if (at < end && !this.closed) this.keep(bytes, at, end)
  }

  private keep(bytes: Buffer, at: number, end: number): undefined {
    this.parts = [Buffer.from(bytes.subarray(at, end))]
    this.partBytes = end - at
    this.needed = frameLength(bytes, at, end)
    if (this.needed > MAX_FRAME_BYTES) this.fail('a frame too large')
  }
}

/** The length of the frame that begins here, or what of its head is missing at least. */
function frameLength(bytes: Buffer, at: number, end: number): number {
  if (end - at < 10) return end - at + 1
  const length = bytes[at + 1]! & 0x7f
  if (length < 126) return 2 + length
  if (length === 126) return 4 + bytes.readUInt16BE(at + 2)
  return 10 + bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6)
}

/** A client's frame, masked with a zero key: a legal one, which leaves the bytes as they are. */
function encodeFrame(body: Buffer, opcode: number): Buffer {
  const { length } = body
  const head = Buffer.alloc(length < 126 ? 6 : length < 65_536 ? 8 : 14)
  head[0] = 0x80 | opcode
  if (length < 126) head[1] = 0x80 | length
  else if (length < 65_536) {
    head[1] = 0x80 | 126
    head.writeUInt16BE(length, 2)
  } else {
    head[1] = 0x80 | 127
    head.writeUInt32BE(length, 6)
  }
  return Buffer.concat([head, body])
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
export async function openSockets(addresses: BoardAddress[], events: BoardEvents, width = 16): Promise<BoardSocket[]> {
  const sockets: BoardSocket[] = new Array(addresses.length)
  let next = 0
  const work = async () => {
    while (next < addresses.length) {
      const index = next++
      sockets[index] = await new BoardSocket(index, addresses[index]!, events).open()
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, addresses.length) }, work))
  return sockets
}
