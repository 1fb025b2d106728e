import type { Server as HttpServer, IncomingMessage } from 'node:http'
import { Server } from 'socket.io'
import type { Actor } from '../kernel/actor.ts'
import { AppError, toAppError, toWireError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/ports.ts'
import type { LiveSocket } from './audience.ts'
import { createBatchingAdapter } from './batching-adapter.ts'
import { releaseHandshake } from './handshake-release.ts'

export interface SocketServerOptions {
  maxEventBytes: number
  /** Whether a browser of this origin may connect; not asked where there is no Origin header. */
  allowOrigin(origin: string, request: IncomingMessage): boolean
  corsOrigins: string[]
  onSlow(socketId: string, bytes: number): void
  onError(socketId: string, error: unknown): void
}

/** Makes the Socket.IO server on an HTTP server; `handleConnections` opens it. */
export function createSocketServer(http: HttpServer, options: SocketServerOptions): Server {
  return new Server(http, {
    path: '/socket.io/',
    serveClient: false,
    // Upgrades on other paths are answered by the listener of the whole server; Engine.IO would cut them after a second.
    destroyUpgrade: false,
    transports: ['websocket', 'polling'],
    maxHttpBufferSize: options.maxEventBytes,
    perMessageDeflate: false,
    httpCompression: false,
    pingInterval: 20_000,
    pingTimeout: 20_000,
    connectTimeout: 20_000,
    adapter: createBatchingAdapter({
      // Two full answers of `log:sync` and the turn's events fit; who does not read them in time is cut off.
      maxBufferedBytes: 4 * 1024 * 1024,
      onSlow: options.onSlow,
      onError: options.onError,
    }) as never,
    cors: { origin: options.corsOrigins, credentials: true },
    // CORS does not keep a foreign page from opening a WebSocket; this does.
    allowRequest(request, decide) {
      const { origin } = request.headers
      decide(null, origin === undefined || options.allowOrigin(origin, request))
    },
  })
}

export interface ConnectionDeps {
  authenticate(token: string): Promise<Actor>
  isDraining(): boolean
  /** Runs once the socket is connected. Its failure ends the socket, which then tries again. */
  welcome(socket: LiveSocket): Promise<void>
  dispatch(socket: LiveSocket, event: string, args: unknown[]): Promise<void>
  gone(socket: LiveSocket): void
  logger: Logger
}

/** Lets authenticated sockets in, and takes their events to the dispatcher. */
export function handleConnections(io: Server, deps: ConnectionDeps): void {
  io.use((socket, next) => {
    const token = (socket.handshake.auth as { token?: unknown } | undefined)?.token
    admit(socket as LiveSocket, token).then(
      () => next(),
      (cause) => {
        const error = toAppError(cause)
        if (error.code === 'internal') deps.logger.error({ err: error.cause }, 'a handshake failed')
        next(Object.assign(new Error(error.message), { data: toWireError(error) }))
      },
    )
  })

  async function admit(socket: LiveSocket, token: unknown) {
    if (deps.isDraining())
      throw new AppError('unavailable', 'This instance is going down; connect again', { retryAfterMs: 500 })
    if (typeof token !== 'string' || token === '') throw new AppError('unauthenticated', 'Connect with auth: {token}')
    socket.data.actor = await deps.authenticate(token)
    socket.data.logs = new Map()
    socket.data.late = null
    socket.data.inFlight = 0
    // Tokens are not kept longer than they are needed, nor the request that carried them.
    socket.handshake.auth = {}
    releaseHandshake(socket)
  }

  io.on('connection', (raw) => {
    const socket = raw as LiveSocket
    socket.onAny((event: string, ...args: unknown[]) => void deps.dispatch(socket, event, args))
    socket.on('disconnect', () => deps.gone(socket))
    deps.welcome(socket).catch((cause) => {
      const error = toAppError(cause)
      if (error.code === 'unauthenticated') {
        socket.emit('session:revoked', { sessionId: socket.data.actor.sessionId, reason: 'revoked' })
        socket.disconnect(true)
        return
      }
      deps.logger.warn({ err: error.cause ?? error }, 'a socket could not be welcomed')
      socket.client.conn.close()
    })
  })
}
