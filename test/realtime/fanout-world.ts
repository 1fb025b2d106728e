import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket as TcpSocket } from 'node:net'
import { Server, type Socket } from 'socket.io'
import { type Socket as ClientSocket, io as connectClient } from 'socket.io-client'
import { vi } from 'vitest'
import { openRawClient } from '../../scripts/bench/raw-client.ts'
import {
  type BatchingAdapter,
  type BatchingAdapterOptions,
  createBatchingAdapter,
} from '../../src/realtime/batching-adapter.ts'

/** Until `check` does not throw, asked every `interval` milliseconds: only a fault takes as long as it may. */
export const waitFor = (check: () => void, interval = 10): Promise<void> =>
  vi.waitFor(check, { timeout: 30_000, interval })

export type Transport = 'websocket' | 'polling' | 'upgrade'

/** A stock client, its socket on the server, and what it received as `[event, ...args]`. */
export interface Member {
  client: ClientSocket
  server: Socket
  log: unknown[][]
}

/** A client that can stop reading, and the packets it received as text. */
export interface RawMember {
  tcp: TcpSocket
  server: Socket
  packets: string[]
  /** The first arguments of its events `n`, binary ones too. */
  numbers(): number[]
}

/** A Socket.IO server with the batching adapter (or the stock one) on a real port. */
export interface FanoutWorld {
  io: Server
  adapter: BatchingAdapter
  port: number
  connect(transport: Transport, namespace?: string): Promise<Member>
  join(room: string, transport?: Transport): Promise<Member>
  joinRaw(room: string): Promise<RawMember>
  close(): Promise<void>
}

/** Opens a world; `stock` leaves Socket.IO's own adapter in place. */
export async function openFanoutWorld(options: BatchingAdapterOptions | 'stock' = {}): Promise<FanoutWorld> {
  const http = createServer()
  const io = new Server(http, options === 'stock' ? {} : { adapter: createBatchingAdapter(options) as never })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  const closers: (() => void)[] = []

  const connect = async (transport: Transport, namespace = '/'): Promise<Member> => {
    const client = connectClient(`http://127.0.0.1:${port}${namespace}`, {
      forceNew: true,
      reconnection: false,
      transports: transport === 'upgrade' ? ['polling', 'websocket'] : [transport],
    })
    closers.push(() => client.close())
    const log: unknown[][] = []
    client.onAny((...entry) => log.push(entry.filter((part) => typeof part !== 'function')))
    await new Promise<void>((resolve, reject) => {
      client.once('connect', resolve)
      client.once('connect_error', reject)
    })
    return { client, server: io.of(namespace).sockets.get(client.id!)!, log }
  }

  return {
    io,
    adapter: io.of('/').adapter as BatchingAdapter,
    port,
    connect,
    async join(room, transport = 'websocket') {
      const member = await connect(transport)
      member.server.join(room)
      return member
    },
    async joinRaw(room) {
      const packets: string[] = []
      const connected = once(io, 'connection')
      const raw = await openRawClient(port, (chunk, start, end) => packets.push(chunk.toString('utf8', start, end)))
      closers.push(() => raw.close())
      const [server] = (await connected) as [Socket]
      server.join(room)
      return {
        tcp: raw.socket,
        server,
        packets,
        numbers: () => packets.map((packet) => Number(/\["n",(\d+)/.exec(packet)?.[1])),
      }
    },
    async close() {
      for (const closeOne of closers) closeOne()
      await io.close()
    },
  }
}
