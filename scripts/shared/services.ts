import { pino } from 'pino'
import { Server } from 'socket.io'
import { entities } from '../../models/index.ts'
import { assembleServices, type Stop } from '../../src/assembly.ts'
import type { Config } from '../../src/config.ts'
import { createLoneBus, createRedisBus } from '../../src/infra/bus.ts'
import { createLoneChannels, createRedisChannels } from '../../src/infra/channel-bus.ts'
import { connectMongo, type Database } from '../../src/infra/mongo.ts'
import { createRateLimiter } from '../../src/infra/rate-limiter.ts'
import { loadSecrets, loadVapid } from '../../src/infra/secret.ts'
import { openStorage } from '../../src/infra/storage/storage.ts'
import type { Logger } from '../../src/kernel/ports.ts'
import { createBatchingAdapter } from '../../src/realtime/batching-adapter.ts'
import type { Accounts } from '../../src/services/accounts/accounts.ts'
import type { Services } from '../../src/services/index.ts'
import { reachMongo } from './mongo.ts'

/** How long a command waits for MongoDB or Redis before it says that they are out of reach, in milliseconds. */
const patienceMs = 10_000

export interface OpenAccounts {
  database: Database
  accounts: Accounts
  /** Whose MongoDB it is, for people. */
  whose: string
  close(): Promise<void>
}

export interface OpenServices extends OpenAccounts {
  services: Pick<
    Services,
    | 'accounts'
    | 'rooms'
    | 'messages'
    | 'signals'
    | 'direct'
    | 'presence'
    | 'analyser'
    | 'audioFiles'
    | 'bookings'
    | 'comments'
    | 'follows'
    | 'likes'
    | 'playlists'
    | 'projectBoards'
    | 'projects'
  >
}

/** What goes wrong in the background goes to stderr; stdout is for what a command says. */
const createStderrLogger = (): Logger => pino({ level: 'warn', base: null }, pino.destination({ dest: 2, sync: true }))

/**
 * The accounts over the same database and bus as the instances, without a server. What is done here they learn of by
 * the bus at once, or without one by their looks at the database.
 */
export async function openAccounts(config: Config, progress: (line: string) => void): Promise<OpenAccounts> {
  const { services: _services, ...open } = await openServices(config, progress)
  return open
}

/** The services of accounts and talk in this process; no sockets, no mails, no limits on rates. */
export async function openServices(config: Config, progress: (line: string) => void): Promise<OpenServices> {
  const logger = createStderrLogger()
  const stops: (() => unknown)[] = []
  const close = async () => {
    const errors: unknown[] = []
    for (const stop of stops.reverse()) await Promise.resolve(stop()).catch((error) => errors.push(error))
    stops.length = 0
    if (errors.length > 0) throw errors[0]
  }
  try {
    const mongo = await reachMongo(config, progress)
    stops.push(() => mongo.close())
    const database = await connectMongo(mongo.uri, entities, logger, {
      selectMs: patienceMs,
      startMs: 0,
      poolSize: 20,
    })
    stops.push(() => database.close())
    const bus = config.redisUrl ? createRedisBus(config.redisUrl, database.connection.name, logger) : createLoneBus()
    stops.push(() => bus.close())
    const channels = config.redisUrl
      ? createRedisChannels(config.redisUrl, database.connection.name, logger)
      : createLoneChannels()
    stops.push(() => channels.close())
    // A Socket.IO server that never listens: the emitter speaks to the instances alone.
    const io = new Server({ adapter: createBatchingAdapter({}) as never })
    const parts: Stop[] = []
    stops.push(async () => {
      for (const part of parts.reverse()) await part.stop()
    })
    const { services } = assembleServices(
      {
        config: { ...config, admin: null },
        database,
        bus,
        channels,
        // Nobody asked for what a command makes, and addresses of the demonstration belong to nobody.
        mailer: { send: async () => {} },
        limiter: createRateLimiter({ enabled: false }),
        secrets: await loadSecrets(config),
        vapid: await loadVapid(config),
        storage: await openStorage(config),
        io,
        logger,
      },
      parts,
    )
    const { accounts } = services
    await accounts.start()
    return { database, accounts, services, whose: mongo.whose, close }
  } catch (error) {
    await close().catch((also) => logger.error({ err: also }, 'could not close cleanly'))
    throw error
  }
}
