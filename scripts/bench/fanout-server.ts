import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { type BatchingAdapter, createBatchingAdapter, encodeEvent } from '../../src/realtime/batching-adapter.ts'
import { releaseHandshake } from '../../src/realtime/handshake-release.ts'

/*
 * A server of the fan-out benchmark, in its own process: everyone is in one room, what one says all receive.
 * argv: stock | batching | batching-emit (the same adapter through io.to().emit); `light` to release handshakes.
 */
const kind = process.argv[2]
const light = process.argv[3] === 'light'
const http = createServer()
const io = new Server(http, {
  serveClient: false,
  transports: ['websocket'],
  pingInterval: 60_000,
  ...(kind === 'stock' ? {} : { adapter: createBatchingAdapter({ maxBufferedBytes: 64 * 1024 * 1024 }) as never }),
})
const adapter = io.of('/').adapter as BatchingAdapter

io.on('connection', (socket) => {
  if (light) releaseHandshake(socket)
  socket.join('room')
  socket.on('say', (payload: unknown) => {
    if (kind === 'batching') adapter.emitEncoded('room', encodeEvent('m', payload))
    else io.to('room').emit('m', payload)
  })
})

process.on('message', (ask: 'usage' | 'memory') => {
  if (ask === 'usage') {
    const { user, system } = process.cpuUsage()
    process.send!({ cpu: user + system, at: performance.now(), sockets: io.of('/').sockets.size })
  } else {
    globalThis.gc?.()
    globalThis.gc?.()
    const { rss, heapUsed, external } = process.memoryUsage()
    process.send!({ rss, heapUsed, external, sockets: io.of('/').sockets.size })
  }
})
process.on('disconnect', () => process.exit())
http.listen(0, '127.0.0.1', () => process.send!({ port: (http.address() as AddressInfo).port }))
