import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { encodeFrame, type FrameSink, OPCODE, walkFrames } from './frames.ts'

/** What a socket tells the load that drives it. Bytes are valid only during the call. */
export interface SocketEvents {
  /** An ack. `ok` is false for an answer of `{ok: false}`. */
  ack?(socket: RawSocket, id: number, ok: boolean, bytes: Buffer, start: number, end: number): void
  /** A `room:message` event. */
  message?(socket: RawSocket, bytes: Buffer, start: number, end: number): void
  /** Any other event, as its name and payload. */
  event?(socket: RawSocket, name: string, payload: any): void
  /** The connection ended without being asked to. */
  lost?(socket: RawSocket, reason: string): void
}

const MAX_FRAME_BYTES = 32 * 1024 * 1024
/** Every socket reads into this one buffer: what is left of a frame is copied out before the read returns. */
const readBuffer = Buffer.allocUnsafe(256 * 1024)
const T = 't'.charCodeAt(0)

/**
 * A Socket.IO client over a bare TCP socket, so cheap that the server under test stays the bottleneck:
 * it tells acks from deliveries by a few bytes and parses only what is asked for.
 */
export class RawSocket implements FrameSink {
  /** `room:message` frames received. */
  deliveries = 0
  /** Bytes of those frames' payloads. */
  deliveryBytes = 0
  userId = ''
  ready: any
  /** Free for the load that drives this socket. */
  state: any
  private readonly tcp: Socket
  private rest: Buffer | undefined
  private upgraded = false
  private closed = false
  private nextAck = 1
  private readonly replies = new Map<number, (answer: any) => void>()
  private readonly events: SocketEvents
  private readonly auth: unknown
  private settle: { resolve(): void; reject(error: Error): void } | undefined

  constructor(url: string, auth: unknown, events: SocketEvents) {
    this.events = events
    this.auth = auth
    const { hostname, port } = new URL(url)
    this.tcp = connect({
      host: hostname,
      port: Number(port),
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
        `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\n` +
          `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
      )
    })
    this.tcp.on('error', (error) => this.fail(error.message))
    this.tcp.on('close', () => this.fail('closed by the server'))
  }

  /** Resolves when the server has said `ready`; rejects when it refuses or `timeoutMs` pass. */
  async open(timeoutMs = 30_000): Promise<this> {
    const timer = setTimeout(() => this.fail(`not ready after ${timeoutMs} ms`), timeoutMs)
    try {
      await new Promise<void>((resolve, reject) => {
        this.settle = { resolve, reject }
      })
      return this
    } finally {
      clearTimeout(timer)
      this.settle = undefined
    }
  }

  /** Emits with an ack; returns the ack's id, which `events.ack` will name. */
  emit(json: string): number {
    const id = this.nextAck++
    this.tcp.write(encodeFrame(`42${id}${json}`))
    return id
  }

  /** Emits and waits for the ack's data; throws on `{ok: false}` and after `timeoutMs`. */
  async call(name: string, payload: unknown, timeoutMs = 30_000): Promise<any> {
    const answer = await new Promise<any>((resolve, reject) => {
      const id = this.emit(JSON.stringify([name, payload]))
      const timer = setTimeout(() => {
        this.replies.delete(id)
        reject(new Error(`${name}: no ack after ${timeoutMs} ms`))
      }, timeoutMs)
      this.replies.set(id, (value) => {
        clearTimeout(timer)
        resolve(value)
      })
    })
    if (!answer?.ok) throw new Error(`${name}: ${JSON.stringify(answer?.error)}`)
    return answer.data
  }

  /** Cuts the connection, as a lost network would. */
  destroy(): void {
    this.closed = true
    this.tcp.destroy()
    for (const reply of this.replies.values()) reply({ ok: false, error: 'connection lost' })
    this.replies.clear()
  }

  frame(opcode: number, bytes: Buffer, start: number, end: number): void {
    if (opcode === OPCODE.text) this.packet(bytes, start, end)
    else if (opcode === OPCODE.ping) this.tcp.write(encodeFrame('', OPCODE.pong))
    else if (opcode === OPCODE.close) this.fail('closed by the server with a frame')
    else this.fail(`a frame of opcode ${opcode}, which this client does not speak`)
  }

  private fail(reason: string): void {
    if (this.closed) return
    this.destroy()
    if (this.settle) this.settle.reject(new Error(reason))
    else this.events.lost?.(this, reason)
  }

  private read(length: number): void {
    if (this.closed) return
    let bytes = readBuffer
    let end = length
    if (this.rest) {
      bytes = Buffer.concat([this.rest, readBuffer.subarray(0, length)])
      end = bytes.length
      this.rest = undefined
    }
    let at = 0
    if (!this.upgraded) {
      const head = bytes.subarray(0, end).indexOf('\r\n\r\n')
      if (head < 0) {
        this.rest = Buffer.from(bytes.subarray(0, end))
        return
      }
      const status = bytes.toString('latin1', 0, Math.min(head, 12))
      if (status !== 'HTTP/1.1 101') {
        this.fail(`upgrade refused: ${status}`)
        return
      }
      this.upgraded = true
      at = head + 4
    }
    at = walkFrames(bytes, at, end, this)
    if (at < end) {
      if (end - at > MAX_FRAME_BYTES) this.fail('a frame too large')
      else this.rest = Buffer.from(bytes.subarray(at, end))
    }
  }

  /** Engine.IO packet: 0 open, 2 ping, 4 message; within a message 0 connected, 2 event, 3 ack, 4 refused. */
  private packet(bytes: Buffer, start: number, end: number): void {
    const engine = bytes[start]! - 48
    if (engine === 2) {
      this.tcp.write(encodeFrame('3'))
      return
    }
    if (engine === 0) {
      this.tcp.write(encodeFrame(`40${JSON.stringify(this.auth)}`))
      return
    }
    if (engine !== 4) return
    const kind = bytes[start + 1]! - 48
    if (kind === 2) this.eventPacket(bytes, start, end)
    else if (kind === 3) this.ackPacket(bytes, start, end)
    else if (kind === 4) this.fail(`refused: ${bytes.toString('utf8', start + 2, end)}`)
    else if (kind === 1) this.fail('disconnected by the server')
  }

  private eventPacket(bytes: Buffer, start: number, end: number): void {
    // 42["room:message", as against 42["room:member", and 42["room:message:edited",
    if (isRoomMessage(bytes, start)) {
      this.deliveries++
      this.deliveryBytes += end - start
      this.events.message?.(this, bytes, start, end)
      return
    }
    const [name, payload] = JSON.parse(bytes.toString('utf8', start + 2, end))
    if (name === 'ready') {
      this.ready = payload
      this.userId = payload.userId
      this.settle?.resolve()
    }
    this.events.event?.(this, name, payload)
  }

  private ackPacket(bytes: Buffer, start: number, end: number): void {
    let at = start + 2
    let id = 0
    while (bytes[at]! >= 48 && bytes[at]! <= 57) id = id * 10 + bytes[at++]! - 48
    const reply = this.replies.get(id)
    if (reply) {
      this.replies.delete(id)
      reply(JSON.parse(bytes.toString('utf8', at, end))[0])
      return
    }
    // [{"ok":true, is told from [{"ok":false by one byte; any other spelling is parsed.
    const ok = bytes[at + 7] === T || JSON.parse(bytes.toString('utf8', at, end))[0]?.ok === true
    this.events.ack?.(this, id, ok, bytes, at, end)
  }
}

function isRoomMessage(bytes: Buffer, start: number): boolean {
  return bytes[start + 4] === 114 && bytes[start + 8] === 58 && bytes[start + 11] === 115 && bytes[start + 16] === 34
}

/** Opens `count` sockets, at most `width` at a time. `make` is given the socket's number. */
export async function openAll(
  count: number,
  width: number,
  make: (index: number) => RawSocket,
  timeoutMs?: number,
): Promise<RawSocket[]> {
  const sockets: RawSocket[] = new Array(count)
  let next = 0
  const worker = async () => {
    while (next < count) {
      const index = next++
      sockets[index] = make(index)
      await sockets[index].open(timeoutMs)
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, count) }, worker))
  return sockets
}
