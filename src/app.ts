import { createServer, type IncomingMessage } from 'node:http'
import type { Server } from 'socket.io'
import { entities } from '../models/index.ts'
import { Profile } from '../models/Profile.ts'
import { emissions, events } from '../rooms/index.ts'
import { assembleServices, type Stop } from './assembly.ts'
import type { BoardTimes } from './boards/boards.ts'
import { createBoardEndpoint } from './boards/endpoint.ts'
import type { Config } from './config.ts'
import { createHttpApp, nodeListener } from './http/app.ts'
import { maxHeaderBytes } from './http/headers.ts'
import { routes } from './http/index.ts'
import { loadWeb } from './http/web.ts'
import { createLoneBus, createRedisBus } from './infra/bus.ts'
import { createLoneChannels, createRedisChannels } from './infra/channel-bus.ts'
import { createMailer } from './infra/mail.ts'
import { createMetrics } from './infra/metrics.ts'
import { connectMongo } from './infra/mongo.ts'
import { startEmbeddedMongo } from './infra/mongod.ts'
import { watchTransactions } from './infra/orphanTransactions.ts'
import type { PushOptions } from './infra/push-sender.ts'
import { createRateLimiter } from './infra/rate-limiter.ts'
import { loadSecrets, loadVapid } from './infra/secret.ts'
import { pacedStorage } from './infra/storage/pace.ts'
import { openStorage } from './infra/storage/storage.ts'
import { channels } from './kernel/channels.ts'
import type { AnyEvent } from './kernel/event.ts'
import type { Logger } from './kernel/ports.ts'
import { createActorRenewal } from './realtime/actors.ts'
import { asyncApi } from './realtime/asyncapi.ts'
import { type LiveSocket, listenerOf } from './realtime/audience.ts'
import { createDispatch } from './realtime/dispatch.ts'
import { createSocketServer, handleConnections } from './realtime/socket-server.ts'
import { createSubscriber } from './realtime/subscriber.ts'
import { welcome } from './realtime/welcome.ts'
import type { Services } from './services/index.ts'
import type { createPresence } from './services/presence/presence.ts'
import { isConversation } from './services/shared/conversation.ts'

export interface App {
  /** Where it listens. */
  port: number
  services: Services
  /**
   * Tells of the end for `graceMs` (new sockets are refused, /readyz answers 503), then ends what runs and closes all,
   * within `ms`.
   */
  close(ms?: number, graceMs?: number): Promise<void>
}

export interface AppOptions {
  logger: Logger
  version: string
  /** Where the web client is built; without a build the page is missing. */
  webHome?: string
  /** Checks what goes out against its declaration: for tests. */
  checkOutput?: boolean
  /** bcrypt's cost, lower in tests. */
  passwordCost?: number
  /** Other times of presence than the standard ones, in milliseconds: for tests. */
  presence?: Parameters<typeof createPresence>[0]['times']
  /** How long notifications are collected for one mail, in milliseconds: for tests. */
  digestMs?: number | undefined
  /** What stands in for the open net when pushes are sent: for tests. */
  push?: PushOptions | undefined
  /** Other times of boards than the standard ones, in milliseconds: for tests. */
  boards?: Partial<BoardTimes>
  /** The program that analyses sound in processes of its own, bundled already: for tests. */
  audioWorker?: string | undefined
  /** A worker does jobs alone and listens to nobody; default `web`, which does both. */
  role?: 'web' | 'worker'
  /** One line of progress at a time, for people who wait. */
  progress?(line: string): void
}

/** Builds the server from its parts, starts them in order, and listens. */
export async function startApp(config: Config, options: AppOptions): Promise<App> {
  const { logger, version, progress = () => {} } = options
  const stops: Stop[] = []
  let draining = false

  async function close(ms = 12_000, graceMs = 0) {
    draining = true
    // Load balancers get to see /readyz before connections are refused, and clients to go elsewhere by themselves.
    io?.local.emit('server:draining', { reconnectInMs: graceMs })
    if (graceMs > 0) await new Promise((done) => setTimeout(done, graceMs))
    await stopAll(stops, ms, logger)
  }

  let io: Server | undefined
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
    const transactions = watchTransactions(database, logger)
    stops.push({ name: 'transactions', stop: () => transactions.close() })
    const bus = config.redisUrl ? createRedisBus(config.redisUrl, database.connection.name, logger) : createLoneBus()
    stops.push({ name: 'bus', stop: () => bus.close() })
    const documentChannels = config.redisUrl
      ? createRedisChannels(config.redisUrl, database.connection.name, logger)
      : createLoneChannels()
    stops.push({ name: 'channels', stop: () => documentChannels.close() })
    if (!config.redisUrl) logger.info({}, 'no REDIS_URL: this instance works alone')

    const limiter = createRateLimiter({ enabled: config.rateLimits })
    const secrets = await loadSecrets(config)
    const storage = pacedStorage(await openStorage(config), config.uploadBytesPerSecond)
    stops.push({ name: 'storage', stop: () => storage.close() })
    const mailer = createMailer(config, logger)
    stops.push({ name: 'mailer', stop: () => mailer.close() })
    // The HTTP server first: Socket.IO and REST share it, and the services need the sockets to emit to.
    // An upload may take its hour; bodies that stop coming are given up by those who read them.
    const http = createServer({
      ...{ keepAliveTimeout: 65_000, headersTimeout: 60_000, requestTimeout: 3600_000 },
      maxHeaderSize: maxHeaderBytes,
    })
    const slowReaders = metrics.counter('slow_readers_total', 'Sockets cut off because they did not read')
    const allowOrigin = (origin: string, request: IncomingMessage) =>
      origin === new URL(config.publicUrl).origin ||
      config.corsOrigins.includes(origin) ||
      (URL.canParse(origin) && new URL(origin).host === request.headers.host)
    const server = createSocketServer(http, {
      maxEventBytes: config.maxEventBytes,
      corsOrigins: config.corsOrigins,
      allowOrigin,
      onSlow: () => slowReaders.inc(),
      onError: (socketId, error) => logger.warn({ err: error, socketId }, 'could not write to a socket'),
    })
    io = server
    const { services, emitter, audience, log, marks, memberships, sweeping } = assembleServices(
      {
        config,
        database,
        bus,
        channels: documentChannels,
        mailer,
        limiter,
        secrets,
        vapid: await loadVapid(config),
        storage,
        io: server,
        logger,
        passwordCost: options.passwordCost,
        presence: options.presence,
        digestMs: options.digestMs,
        push: options.push,
        boards: options.boards,
        audioWorker: options.audioWorker,
      },
      stops,
    )
    const { accounts, presence, notifications, jobs, projects, boards, analyser, listening } = services

    const subscriber = createSubscriber({ bus, log, memberships, audience, logger })
    stops.push({ name: 'subscriber', stop: () => subscriber.close() })

    const duration = metrics.histogram('event_duration_seconds', 'Duration of socket events', ['event', 'code'])
    metrics.gauge('sockets', 'Connected sockets', { read: () => server.engine.clientsCount })
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
      server.of('/').in(room).local.disconnectSockets(true)
    })

    const actors = createActorRenewal({
      io: server,
      actor: (sessionId) => accounts.sessions.actor(sessionId),
      logger,
    })
    stops.push({ name: 'rights of sockets', stop: () => actors.close() })
    accounts.rights.onChanged((userIds) => actors.renew(userIds))

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
      asyncApi: () => asyncApi(events as never, emissions, { version, publicUrl: config.publicUrl }),
      version,
      web: options.webHome ? await loadWeb(options.webHome) : null,
      checkAnswers: options.checkOutput ?? false,
    })
    const answer = nodeListener(app, logger)
    // Socket.IO's own listener takes its path; all else is REST's.
    http.on('request', (request, response) => {
      if (!request.url?.startsWith('/socket.io/')) void answer(request, response)
    })
    const profiles = database.collection(Profile)
    const boardEndpoint = createBoardEndpoint({
      boards,
      access: projects,
      database,
      logger,
      authenticate: (token) => accounts.authenticate(token),
      checkSession: (sessionId) => accounts.sessions.actor(sessionId),
      onRevoked: (handler) => accounts.sessions.onRevoked(handler),
      async nameOf(userId) {
        const profile = await profiles.findOne({ userId }, { projection: { displayName: 1 } })
        return profile?.displayName ?? ''
      },
      allowOrigin,
      isDraining: () => draining,
      // A whole board and what frames it.
      maxFrameBytes: config.maxBoardBytes + 64 * 1024,
      limits: { enabled: config.rateLimits },
      onSlow: () => slowReaders.inc(),
    })
    stops.push({
      name: 'board connections',
      async stop() {
        boardEndpoint.hush()
        await boards.close()
        await boardEndpoint.close()
      },
    })
    metrics.gauge('boards_open', 'Boards held open here', { read: () => boards.stats().open })
    metrics.gauge('boards_connections', 'Connections at boards', { read: () => boards.stats().connections })
    metrics.gauge('boards_waiting_bytes', 'Bytes of boards that wait to be stored', {
      read: () => boards.stats().waitingBytes,
    })
    metrics.gauge('boards_committed', 'Updates of boards stored here', { read: () => boards.stats().committed })
    metrics.gauge('analysis_running', 'Recordings being analysed here', { read: () => analyser.stats().running })
    metrics.gauge('analysis_waiting', 'Recordings that wait for their analysis on any instance, as last counted', {
      read: () => analyser.stats().waiting,
    })
    http.on('upgrade', (request, socket, head) => {
      if (boardEndpoint.takes(request)) {
        boardEndpoint.upgrade(request, socket, head)
        return
      }
      if (!request.url?.startsWith('/socket.io/')) {
        socket.on('error', () => {})
        socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      }
    })

    await accounts.start()
    await subscriber.start()
    await presence.start()
    projects.start()
    await analyser.start()
    await listening.start()
    jobs.start()
    boards.start()
    boardEndpoint.start()
    sweeping.start()
    handleConnections(server, {
      authenticate: (token) => accounts.authenticate(token),
      isDraining: () => draining,
      async welcome(socket) {
        const { userId, sessionId } = socket.data.actor
        // Counted as long as it is connected, whether or not it is welcome in the end.
        presence.connected(userId)
        // From here on it ends with its session; one that ended between the handshake and here shows in this look.
        void socket.join(channels.session(sessionId))
        // The same look gives the rights of now; later changes find the socket here.
        socket.data.actor = await accounts.sessions.actor(sessionId)
        await welcome(socket, {
          log,
          marks,
          memberships,
          welcoming: audience.welcoming,
          audience,
          unreadNotifications: notifications.unread,
        })
        const rooms = [...socket.data.logs.keys()].filter((logId) => !isConversation(logId))
        listening.greet(listenerOf(socket), rooms)
      },
      dispatch(socket, event, args) {
        presence.active(socket.data.actor.userId)
        return dispatch(socket, event, args)
      },
      gone(socket: LiveSocket) {
        presence.disconnected(socket.data.actor.userId)
        presence.forget(socket)
        for (const live of socket.data.logs?.values() ?? []) log.release(live as never)
        socket.data.logs?.clear()
      },
      logger,
    })
    if (options.role === 'worker') return { port: 0, services, close }
    const port = await new Promise<number>((resolve, reject) => {
      http.once('error', reject)
      http.listen(config.port, config.host, () => resolve((http.address() as { port: number }).port))
    })
    stops.push({
      name: 'HTTP',
      async stop() {
        http.close()
        server.of('/').local.disconnectSockets(true)
        server.engine.close()
        http.closeIdleConnections()
        // Requests under way get a moment to end; kept-alive connections would never.
        await new Promise((done) => setTimeout(done, 200))
        http.closeAllConnections()
      },
    })

    return { port, services, close }
  } catch (error) {
    await stopAll(stops, 5_000, logger)
    throw error
  }
}

/** Stops parts in the reverse order of their start, each within its share of the time. */
async function stopAll(stops: Stop[], ms: number, logger: Logger) {
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
