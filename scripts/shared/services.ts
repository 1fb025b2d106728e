import { pino } from 'pino'
import { Server } from 'socket.io'
import { entities } from '../../models/index.ts'
import type { Config } from '../../src/config.ts'
import { createLoneBus, createRedisBus } from '../../src/infra/bus.ts'
import { connectMongo, type Database } from '../../src/infra/mongo.ts'
import { createRateLimiter } from '../../src/infra/rate-limiter.ts'
import { loadSecrets } from '../../src/infra/secret.ts'
import type { Logger } from '../../src/kernel/ports.ts'
import { createLog } from '../../src/log/log.ts'
import { createLogStore } from '../../src/log/store.ts'
import { createAudience } from '../../src/realtime/audience.ts'
import { createBatchingAdapter } from '../../src/realtime/batching-adapter.ts'
import { createEmitter } from '../../src/realtime/emitter.ts'
import { type Accounts, createAccounts } from '../../src/services/accounts/accounts.ts'
import { createRoomKind } from '../../src/services/chat/kind.ts'
import { createMessages } from '../../src/services/chat/messages.ts'
import { createRooms } from '../../src/services/chat/rooms.ts'
import { createSearch } from '../../src/services/chat/search.ts'
import { createRoomSignals } from '../../src/services/chat/signals.ts'
import { createDirect } from '../../src/services/direct/direct.ts'
import { createDirectKind, isConversation } from '../../src/services/direct/kind.ts'
import type { Services } from '../../src/services/index.ts'
import { createMarks } from '../../src/services/marks.ts'
import { createPeople } from '../../src/services/people.ts'
import { createTyping } from '../../src/services/typing.ts'
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
  services: Pick<Services, 'accounts' | 'rooms' | 'messages' | 'signals' | 'direct'>
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
    const accounts = createAccounts({
      database,
      bus,
      // Nobody asked for what a command makes, and addresses of the demonstration belong to nobody.
      mailer: { send: async () => {} },
      log: logger,
      limiter: createRateLimiter({ enabled: false }),
      secrets: await loadSecrets(config),
      config: { publicUrl: config.publicUrl, admin: null },
    })
    stops.push(() => accounts.close())
    await accounts.start()

    // A Socket.IO server that never listens: the emitter speaks to the instances alone.
    const io = new Server({ adapter: createBatchingAdapter({}) as never })
    const emitter = createEmitter(io, bus)
    const audience = createAudience(io, () => log as never)
    const marks = createMarks({ database })
    const people = createPeople({ database })
    const typing = createTyping({ emitter })
    const roomKind = createRoomKind({ database, marks, emitter, audience })
    const directKind = createDirectKind({ marks, emitter, audience })
    const log = createLog({
      store: createLogStore(database as never),
      bus,
      kindOf: (logId) => (isConversation(logId) ? directKind : roomKind),
      encode: emitter.encode,
      log: logger,
    })
    stops.push(() => log.close())
    const search = createSearch({ database, log, logger })
    stops.push(() => search.close())
    const rooms = createRooms({ database, log, bus, people })
    const services = {
      accounts,
      rooms,
      messages: createMessages({ database, log, rooms, people, marks, search, onMessage: () => {} }),
      signals: createRoomSignals({ rooms, marks, typing, emitter }),
      direct: createDirect({ database, log, bus, emitter, people, marks, typing, onMessage: () => {} }),
    }
    return { database, accounts, services, whose: mongo.whose, close }
  } catch (error) {
    await close().catch((also) => logger.error({ err: also }, 'could not close cleanly'))
    throw error
  }
}
