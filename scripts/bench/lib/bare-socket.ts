import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { encodeFrame, type FrameSink, frameLength, OPCODE, walkFrames } from './frames.ts'

/** Where a server's WebSocket is. */
export interface SocketTarget {
  host: string
  port: number
  path: string
}

const MAX_FRAME_BYTES = 64 * 1024 * 1024

/** A WebSocket client over a bare TCP socket, so cheap that the server under test stays the bottleneck. */
export abstract class BareSocket implements FrameSink {
  private readonly tcp: Socket
  private readonly readBuffer: Buffer
  private readonly opcode: number
  /** Of a frame that is not whole yet, with how many bytes it takes to look at it again. */
  private parts: Buffer[] = []
  private partBytes = 0
  private needed = 0
  private upgraded = false
  private closed = false
  private settle: { resolve(): void; reject(error: Error): void } | undefined

  /** Sockets may share `readBuffer`: what is left of a frame is copied out before a read returns. */
  constructor({ host, port, path }: SocketTarget, opcode: number, readBuffer: Buffer) {
    this.opcode = opcode
    this.readBuffer = readBuffer
    this.tcp = connect({
      host,
      port,
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
        `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: Upgrade\r\n` +
          `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
      )
    })
    this.tcp.on('error', (error) => this.fail(error.message))
    this.tcp.on('close', () => this.fail('closed by the server'))
  }

  /** The server speaks WebSocket from here on. */
  protected greet(): void {}
  /** One whole message: bytes `start` to `end` of `bytes`, valid only during the call. */
  protected abstract message(bytes: Buffer, start: number, end: number): void
  /** The connection ended without being asked to, after it was open. */
  protected abstract onLost(reason: string): void

  /** Resolves when the server has let it in; rejects when it refuses or `timeoutMs` pass. */
  async open(timeoutMs = 30_000): Promise<this> {
    const timer = setTimeout(() => this.fail(`not open after ${timeoutMs} ms`), timeoutMs)
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

  /** Writes whole frames. */
  send(frames: Buffer): void {
    this.tcp.write(frames)
  }

  /** Cuts the connection, as a lost network would. */
  destroy(): void {
    this.closed = true
    this.tcp.destroy()
  }

  frame(opcode: number, bytes: Buffer, start: number, end: number): void {
    if (opcode === this.opcode) this.message(bytes, start, end)
    else if (opcode === OPCODE.ping) this.send(encodeFrame('', OPCODE.pong))
    else if (opcode !== OPCODE.close) this.fail(`a frame of opcode ${opcode}, which this client does not speak`)
    else this.fail(end - start < 2 ? 'closed without a code' : `closed with ${bytes.readUInt16BE(start)}`)
  }

  /** It is let in. */
  protected opened(): void {
    this.settle?.resolve()
  }

  protected fail(reason: string): undefined {
    if (this.closed) return undefined
    this.destroy()
    if (this.settle) this.settle.reject(new Error(reason))
    else this.onLost(reason)
  }

  private read(length: number): undefined {
    if (this.closed) return undefined
    let bytes = this.readBuffer
    let end = length
    if (this.parts.length > 0) {
      // A large frame is put together once it is whole, not again with each piece.
      const piece = bytes.subarray(0, length)
      this.partBytes += length
      if (this.partBytes < this.needed) {
        this.parts.push(Buffer.from(piece))
        return undefined
      }
      bytes = Buffer.concat([...this.parts, piece])
      end = bytes.length
      this.parts = []
    }
    let at = 0
    if (!this.upgraded) {
      const head = bytes.subarray(0, end).indexOf('\r\n\r\n')
      if (head < 0) return this.keep(bytes, 0, end, 0)
      const status = bytes.toString('latin1', 0, Math.min(head, 12))
      if (status !== 'HTTP/1.1 101') return this.fail(`upgrade refused: ${status}`)
      this.upgraded = true
      at = head + 4
      this.greet()
    }
    at = walkFrames(bytes, at, end, this)
    if (at < end && !this.closed) this.keep(bytes, at, end, frameLength(bytes, at, end))
  }

  private keep(bytes: Buffer, at: number, end: number, needed: number): undefined {
    this.parts = [Buffer.from(bytes.subarray(at, end))]
    this.partBytes = end - at
    this.needed = needed
    if (needed > MAX_FRAME_BYTES) this.fail('a frame too large')
  }
}

/** Opens `count` sockets, at most `width` at a time. `make` is given the socket's number. */
export async function openAll<T extends BareSocket>(
  count: number,
  width: number,
  make: (index: number) => T,
  timeoutMs?: number,
): Promise<T[]> {
  const sockets: T[] = new Array(count)
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
