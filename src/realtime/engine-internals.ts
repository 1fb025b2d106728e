import { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import type { Socket as TcpSocket } from 'node:net'
import { frameText } from './frame.ts'

/*
 * The private fields of Engine.IO and ws that the outbox reads, in one place, with the self-test that proves them.
 * Their versions are pinned; after an update of socket.io the self-test says what moved.
 */

/** A `ws` WebSocket on the server's side. */
export interface ServerWebSocket {
  readyState: number
  terminate(): void
  _socket: TcpSocket
  /** `_state` is 0 while nothing is being compressed or read from a Blob, and so nothing is queued. */
  _sender: { _state: number; sendFrame(list: Buffer[], done?: (error?: Error) => void): void }
}

export interface EngineTransport {
  name: string
  writable: boolean
  perMessageDeflate?: unknown
  /** Present where name is `websocket`. */
  socket?: ServerWebSocket
}

export interface PacketOptions {
  compress?: boolean
  wsPreEncodedFrame?: Buffer[]
}

export type SendPacket = (
  this: EngineConnection,
  type: string,
  data?: unknown,
  options?: PacketOptions,
  callback?: (transport: unknown) => void,
) => void

/** An Engine.IO connection (its class `Socket`). */
export interface EngineConnection {
  id: string
  readyState: 'opening' | 'open' | 'closing' | 'closed'
  upgrading: boolean
  transport: EngineTransport
  writeBuffer: unknown[]
  sendPacket: SendPacket
  close(discard?: boolean): unknown
}

export const WS_OPEN = 1

/**
 * Proves on live objects of the installed packages that the private fields in use mean what we take them for.
 * @throws Error naming the first difference.
 */
export function verifyEngineInternals(): void {
  const fromHere = createRequire(import.meta.url)
  const fromSocketIo = createRequire(fromHere.resolve('socket.io'))
  const fromEngine = createRequire(fromSocketIo.resolve('engine.io'))
  const engine = fromSocketIo('engine.io') as any
  const { Sender } = fromEngine('ws') as any
  const expect = (holds: boolean, what: string): void => {
    if (!holds) throw new Error(`The batching adapter does not fit the installed engine.io and ws: ${what}`)
  }

  for (const length of [0, 124, 125, 65534, 65535]) {
    const packet = 'é'.repeat(length >> 1) + 'x'.repeat(length & 1)
    const theirs = Sender.frame(Buffer.from(`4${packet}`), { fin: true, rsv1: false, opcode: 1, mask: false })
    expect(Buffer.concat(theirs).equals(frameText(packet)), `another frame for ${length} bytes`)
  }

  const written: Buffer[] = []
  const done: (() => void)[] = []
  const tcp = {
    cork() {},
    uncork() {},
    write(chunk: Buffer, callback?: () => void) {
      written.push(chunk)
      if (callback) done.push(callback)
    },
  }
  const sender = new Sender(tcp, {})
  expect(sender._state === 0 && Array.isArray(sender._queue), 'Sender._state or Sender._queue')
  const websocket = Object.assign(new EventEmitter(), {
    readyState: WS_OPEN,
    _sender: sender,
    _socket: { remoteAddress: '127.0.0.1' },
    send(_data: unknown, callback: () => void) {
      done.push(callback)
    },
    close() {},
  })
  const request = { _query: { EIO: '4' }, websocket, connection: {} }
  const transport = new engine.transports.websocket(request)
  expect(transport.name === 'websocket' && transport.writable === true, 'Transport.name or Transport.writable')
  expect(transport.socket === websocket, 'WebSocketTransport.socket')
  expect('perMessageDeflate' in transport && !transport.perMessageDeflate, 'WebSocketTransport.perMessageDeflate')

  const server = Object.assign(new EventEmitter(), {
    opts: { pingInterval: 60_000, pingTimeout: 60_000, maxHttpBufferSize: 1, transports: ['websocket'] },
    upgrades: () => [],
  })
  const connection = new engine.Socket('self-test', server, transport, request, 4)
  try {
    expect(connection.readyState === 'open' && connection.upgrading === false, 'Socket.readyState or Socket.upgrading')
    expect(!Object.hasOwn(connection, 'sendPacket') && !Object.hasOwn(connection, 'close'), 'Socket methods are own')
    expect(transport.writable === false, 'a transport stays writable while it sends')
    const packet = '2["self-test",null]'
    const frame = frameText(packet)
    connection.sendPacket('message', packet, { wsPreEncodedFrame: [frame] })
    expect(connection.writeBuffer.length === 1, 'Socket.writeBuffer does not hold what waits')
    for (const callback of done.splice(0)) callback()
    expect(connection.writeBuffer.length === 0, 'Socket.writeBuffer is not emptied by the transport being ready')
    expect(written.length === 1 && written[0] === frame, 'wsPreEncodedFrame is not written as it is')
  } finally {
    connection.onClose('self-test')
  }
}
