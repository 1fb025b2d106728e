import { createServer } from 'node:http'
import { entities } from '../models/index.ts'
import { emissions, events } from '../rooms/index.ts'
import type { Config } from './config.ts'
import { createHttpApp, nodeListener } from './http/app.ts'
import { routes } from './http/index.ts'
import { createLoneBus, createRedisBus } from './infra/bus.ts'
import { createMailer } from './infra/mail.ts'
import { createMetrics } from './infra/metrics.ts'
import { connectMongo } from './infra/mongo.ts'
import { startEmbeddedMongo } from './infra/mongod.ts'
import { createRateLimiter } from './infra/rate-limiter.ts'
import { loadSecrets } from './infra/secret.ts'
import { channels } from './kernel/channels.ts'
import type { AnyEvent } from './kernel/event.ts'
import type { Emitter, Logger } from './kernel/ports.ts'
import { createLog } from './log/log.ts'
import { createLogStore } from './log/store.ts'
import { asyncApi } from './realtime/asyncapi.ts'
import { createAudience, type LiveSocket } from './realtime/audience.ts'
import { createDispatch } from './realtime/dispatch.ts'
import { createEmitter } from './realtime/emitter.ts'
import { createSocketServer, handleConnections } from './realtime/socket-server.ts'
import { createSubscriber } from './realtime/subscriber.ts'
import { welcome } from './realtime/welcome.ts'
import { createAccounts } from './services/accounts/accounts.ts'
import { createRoomKind } from './services/chat/kind.ts'
import { createMessages } from './services/chat/messages.ts'
import { createRooms } from './services/chat/rooms.ts'
import { createSearch } from './services/chat/search.ts'
import { createRoomSignals } from './services/chat/signals.ts'
import { createSlowMode } from './services/chat/slow-mode.ts'
import { createSyncing } from './services/chat/sync.ts'
import { createDirect } from './services/direct/direct.ts'
import { createDirectKind, isConversation } from './services/direct/kind.ts'
import type { Services } from './services/index.ts'
import { createMarks } from './services/marks.ts'
import { createMemberships } from './services/memberships.ts'
import { createPeople } from './services/people.ts'
import { createTyping } from './services/typing.ts'

export interface App {
  /** Where it listens. */
  port: number
  services: Services
  /** Refuses what is new, ends what runs, and closes all, within `ms`. */
  close(ms?: number): Promise<void>
}

export interface AppOptions {
  logger: Logger
  version: string
  /** Checks what goes out against its declaration: for tests. */
  checkOutput?: boolean
  /** bcrypt's cost, lower in tests. */
  passwordCost?: number
  /** One line of progress at a time, for people who wait. */
  progress?(line: string): void
}

/** Builds the server from its parts, starts them in order, and listens. */
export async function startApp(config: Config, options: AppOptions): Promise<App> {
  const { logger, version, progress = () => {} } = options
  const stops: { name: string; stop: () => Promise<unknown> | unknown }[] = []
  let draining = false
  try {
    const metrics = createMetrics()
    let uri = config.mongodbUri
    if (!uri) {
      const embedded = await startEmbeddedMongo({ dataDir: config.dataDir, binary: config.mongodBin, log: progress })
      stops.push({ name: 'mongod', stop: () => embedded.close() })
      uri = embedded.uri
    }
    const database = await connectMongo(uri, entities, logger)
    stops.push({ name: 'MongoDB', stop: () => database.close() })
    const bus = config.redisUrl ? createRedisBus(config.redisUrl, database.connection.name, logger) : createLoneBus()
    stops.push({ name: 'bus', stop: () => bus.close() })
    if (!config.redisUrl) logger.info({}, 'no REDIS_URL: this instance works alone')

    const limiter = createRateLimiter({ enabled: config.rateLimits })
    const secrets = await loadSecrets(config)
    const mailer = createMailer(config, logger)
    stops.push({ name: 'mailer', stop: () => mailer.close() })
    const accounts = createAccounts({
      database,
      bus,
      mailer,
      log: logger,
      limiter,
      secrets,
      config,
      passwords: options.passwordCost === undefined ? undefined : { cost: options.passwordCost },
    })
    stops.push({ name: 'accounts', stop: () => accounts.close() })

    // The HTTP server first: Socket.IO and REST share it, and the services need the sockets to emit to.
    const http = createServer({ keepAliveTimeout: 65_000, requestTimeout: 300_000 })
    const slowReaders = metrics.counter('slow_readers_total', 'Sockets cut off because they did not read')
    const io = createSocketServer(http, {
      maxEventBytes: config.maxEventBytes,
      corsOrigins: config.corsOrigins,
      allowOrigin: (origin, request) =>
        origin === new URL(config.publicUrl).origin ||
        config.corsOrigins.includes(origin) ||
        (URL.canParse(origin) && new URL(origin).host === request.headers.host),
      onSlow: () => slowReaders.inc(),
      onError: (socketId, error) => logger.warn({ err: error, socketId }, 'could not write to a socket'),
    })
    const emitter: Emitter = createEmitter(io, bus)
    const audience = createAudience(io, () => log as never)
    const marks = createMarks({ database })
    const people = createPeople({ database })
    const memberships = createMemberships({ database, logger })
    const typing = createTyping({ emitter })
    stops.push({ name: 'typing', stop: () => typing.close() })
    const roomKind = createRoomKind({ database, marks, emitter, audience })
    const directKind = createDirectKind({ marks, emitter, audience })
    const log = createLog({
      store: createLogStore(database as never),
      bus,
      kindOf: (logId) => (isConversation(logId) ? directKind : roomKind),
      encode: emitter.encode,
      log: logger,
    })
    stops.push({ name: 'log', stop: () => log.close() })

    const search = createSearch({ database, log, logger })
    stops.push({ name: 'search', stop: () => search.close() })
    const rooms = createRooms({ database, log, bus, people })
    const slowMode = createSlowMode({ database, logger })
    const services: Services = {
      accounts,
      people,
      log,
      rooms,
      messages: createMessages({ database, log, rooms, people, marks, search, slowMode, onMessage: () => {} }),
      signals: createRoomSignals({ rooms, marks, typing, emitter }),
      direct: createDirect({ database, log, bus, emitter, people, marks, typing, onMessage: () => {} }),
      syncing: createSyncing({ log }),
    }

    const subscriber = createSubscriber({ bus, log, memberships, audience, logger })
    stops.push({ name: 'subscriber', stop: () => subscriber.close() })

    const duration = metrics.histogram('event_duration_seconds', 'Duration of socket events', ['event', 'code'])
    metrics.gauge('sockets', 'Connected sockets', { read: () => io.engine.clientsCount })
    metrics.gauge('log_open', 'Logs held open here', { read: () => log.stats().open })
    metrics.gauge('log_waiting', 'Log entries that wait to be stored', { read: () => log.stats().waiting })
    const dispatch = createDispatch<Services>({
      events: new Map(events.map((event) => [event.name, event as unknown as AnyEvent<Services>])),
      services,
      limit: (name, rate, key) => limiter.consume(name, rate, key),
      observe: (event, code, seconds) => duration.observe({ event, code }, seconds),
      logger,
      checkAcks: options.checkOutput ?? false,
    })
    accounts.sessions.onRevoked((sessionId, reason) => {
      const room = channels.session(sessionId)
      emitter.emitLocal(room, 'session:revoked', { sessionId, reason })
      io.of('/').in(room).local.disconnectSockets(true)
    })

    const app = createHttpApp({
      routes,
      services,
      authenticate: (token) => accounts.authenticate(token),
      limiter,
      config,
      log: logger,
      metrics,
      async readiness() {
        const [mongo, redis] = await Promise.all([database.ping(1_000), bus.ping(1_000)])
        const reasons = [
          ...(draining ? ['draining'] : []),
          ...(mongo ? [] : ['MongoDB is out of reach']),
          ...(redis ? [] : ['Redis is out of reach']),
        ]
        return { ready: reasons.length === 0, reasons }
      },
      asyncApi: asyncApi(events as never, emissions, { version, publicUrl: config.publicUrl }),
      version,
      checkAnswers: options.checkOutput ?? false,
    })
    const answer = nodeListener(app, logger)
    // Socket.IO's own listener takes its path; all else is REST's.
    http.on('request', (request, response) => {
      if (!request.url?.startsWith('/socket.io/')) void answer(request, response)
    })
    http.on('upgrade', (request, socket) => {
      if (!request.url?.startsWith('/socket.io/')) {
        socket.on('error', () => {})
        socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      }
    })

    await accounts.start()
    await subscriber.start()
    handleConnections(io, {
      authenticate: (token) => accounts.authenticate(token),
      isDraining: () => draining,
      welcome: (socket) =>
        welcome(socket, {
          log,
          marks,
          memberships,
          welcoming: audience.welcoming,
          audience,
          unreadNotifications: async () => 0,
        }),
      dispatch,
      gone(socket: LiveSocket) {
        for (const live of socket.data.logs?.values() ?? []) log.release(live as never)
        socket.data.logs?.clear()
      },
      logger,
    })
    const port = await new Promise<number>((resolve, reject) => {
      http.once('error', reject)
      http.listen(config.port, config.host, () => resolve((http.address() as { port: number }).port))
    })
    stops.push({
      name: 'HTTP',
      async stop() {
        io.local.emit('server:draining', { reconnectInMs: 0 })
        http.close()
        io.of('/').local.disconnectSockets(true)
        io.engine.close()
        http.closeIdleConnections()
        // Requests under way get a moment to end; kept-alive connections would never.
        await new Promise((done) => setTimeout(done, 200))
        http.closeAllConnections()
      },
    })

    return {
      port,
      services,
      async close(ms = 12_000) {
        draining = true
        await stopAll(stops, ms, logger)
      },
    }
  } catch (error) {
    await stopAll(stops, 5_000, logger)
    throw error
  }
}

/** Stops parts in the reverse order of their start, each within its share of the time. */
async function stopAll(stops: { name: string; stop: () => unknown }[], ms: number, logger: Logger) {
  const end = Date.now() + ms
  for (const { name, stop } of [...stops].reverse()) {
    let timer: NodeJS.Timeout | undefined
    try {
      const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error('it took too long')), Math.max(500, end - Date.now()))
      })
      await Promise.race([stop(), late])
    } catch (error) {
      logger.error({ err: error, part: name }, 'a part did not stop cleanly')
    } finally {
      clearTimeout(timer)
    }
  }
  stops.length = 0
}
