/**
 * What telling others of an edit costs at the least, as a yardstick: each frame goes to everybody else as it came, its
 * header made once, as one write to each TCP socket. It reads no update, keeps no document and stores nothing.
 */
import { createServer } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'

const { PORT, HOST } = process.env
const emptyStep2 = Buffer.from([0, 1, 2, 0, 0])
const documents = new Map<string, Set<Duplex>>()
const server = createServer((_request, response) => void response.end('ready'))
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })

server.on('upgrade', (request, socket, head) => {
  sockets.handleUpgrade(request, socket, head, (ws) => {
    const name = request.url!
    const others = documents.get(name) ?? new Set()
    documents.set(name, others.add(socket))
    ws.on('close', () => {
      others.delete(socket)
      if (others.size === 0) documents.delete(name)
    })
    ws.on('error', () => {})
    ws.on('message', (data: Buffer) => {
      const isSync = data[0] === 0
      if (isSync && data[1] === 0) ws.send(emptyStep2)
      if (isSync && data[1] !== 2) return
      const frame = toFrame(data)
      for (const other of others) if (other !== socket) other.write(frame)
    })
  })
})
server.listen(Number(PORT), HOST)

/** A binary message as RFC 6455 has it, unmasked. */
function toFrame(data: Buffer): Buffer {
  if (data.length < 126) return Buffer.concat([Buffer.from([0x82, data.length]), data])
  return Buffer.concat([Buffer.from([0x82, 126, data.length >> 8, data.length & 255]), data])
}
