import { BareSocket } from './bare-socket.ts'
import { encodeFrame, OPCODE } from './frames.ts'

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

/** Every socket reads into this one buffer. */
const readBuffer = Buffer.allocUnsafe(256 * 1024)
const T = 't'.charCodeAt(0)

/** A Socket.IO client that tells acks from deliveries by a few bytes and parses only what is asked for. */
export class RawSocket extends BareSocket {
  /** `room:message` frames received. */
  deliveries = 0
  /** Bytes of those frames' payloads. */
  deliveryBytes = 0
  userId = ''
  ready: any
  /** Free for the load that drives this socket. */
  state: any
  private nextAck = 1
  private readonly replies = new Map<number, (answer: any) => void>()
  private readonly events: SocketEvents
  private readonly auth: unknown

  constructor(url: string, auth: unknown, events: SocketEvents) {
    const { hostname, port } = new URL(url)
    const path = '/socket.io/?EIO=4&transport=websocket'
    super({ host: hostname, port: Number(port), path }, OPCODE.text, readBuffer)
    this.events = events
    this.auth = auth
  }

  /** Emits with an ack; returns the ack's id, which `events.ack` will name. */
  emit(json: string): number {
    const id = this.nextAck++
    this.send(encodeFrame(`42${id}${json}`))
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

  override destroy(): void {
    super.destroy()
    for (const reply of this.replies.values()) reply({ ok: false, error: 'connection lost' })
    this.replies.clear()
  }

  protected onLost(reason: string): void {
    this.events.lost?.(this, reason)
  }

  /** Engine.IO packet: 0 open, 2 ping, 4 message; within a message 0 connected, 2 event, 3 ack, 4 refused. */
  protected message(bytes: Buffer, start: number, end: number): void {
    const engine = bytes[start]! - 48
    if (engine === 2) {
      this.send(encodeFrame('3'))
      return
    }
    if (engine === 0) {
      this.send(encodeFrame(`40${JSON.stringify(this.auth)}`))
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
      this.opened()
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
