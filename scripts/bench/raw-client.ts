import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

/**
 * A Socket.IO client over a bare TCP socket, so that a process of them costs less than the server it loads: it opens
 * the WebSocket, joins the namespace `/`, answers pings, and hands over where each message lies, uncopied.
 */
export interface RawClient {
  socket: Socket
  /** Sends Socket.IO packet text. */
  send(packet: string): void
  close(): void
}

/** Called with the chunk and where the Socket.IO packet begins and ends in it (after Engine.IO's `4`). */
export type OnPacket = (chunk: Buffer, start: number, end: number) => void

/** Resolves when the namespace has accepted the client; rejects after 20 s or when the connection ends before. */
export function openRawClient(port: number, onPacket: OnPacket): Promise<RawClient> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const timer = setTimeout(() => fail(new Error('timed out')), 20_000)
    let upgraded = false
    let joined = false
    let rest: Buffer | null = null
    const client: RawClient = {
      socket,
      send: (packet) => socket.write(maskedText(`4${packet}`)),
      close: () => socket.destroy(),
    }
    const fail = (error: Error): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(error)
    }
    socket.on('error', fail)
    socket.on('close', () => fail(new Error('closed')))
    socket.write(
      'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n' +
        `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
    )
    socket.on('data', (data) => {
      let chunk: Buffer = rest ? Buffer.concat([rest, data]) : data
      rest = null
      if (!upgraded) {
        const end = chunk.indexOf('\r\n\r\n')
        if (end < 0) {
          rest = chunk
          return
        }
        upgraded = true
        chunk = chunk.subarray(end + 4)
      }
      let at = 0
      while (at + 2 <= chunk.length) {
        let length = chunk[at + 1]!
        let head = 2
        if (length === 126) {
          if (at + 4 > chunk.length) break
          length = chunk.readUInt16BE(at + 2)
          head = 4
        } else if (length === 127) {
          if (at + 10 > chunk.length) break
          length = Number(chunk.readBigUInt64BE(at + 2))
          head = 10
        }
        const start = at + head
        const end = start + length
        if (end > chunk.length) break
        const type = chunk[start]
        if (type === 0x34) {
          if (joined) onPacket(chunk, start + 1, end)
          else {
            joined = true
            clearTimeout(timer)
            resolve(client)
          }
        } else if (type === 0x32) socket.write(maskedText('3'))
        else if (type === 0x30) client.send('0')
        at = end
      }
      if (at < chunk.length) rest = chunk.subarray(at)
    })
  })
}

/** A masked text frame with the mask 0, which leaves the payload as it is. */
function maskedText(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const offset = length < 126 ? 6 : 8
  const bytes = Buffer.alloc(offset + length)
  bytes[0] = 0x81
  if (length < 126) bytes[1] = 0x80 | length
  else {
    bytes[1] = 0x80 | 126
    bytes.writeUInt16BE(length, 2)
  }
  bytes.write(text, offset)
  return bytes
}
