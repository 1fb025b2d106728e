import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serverArguments } from '../../shared/server-command.ts'
import { Accounts } from './accounts.ts'
import { type Child, freePort, startChild, waitFor } from './children.ts'
import type { SocketPlan } from './jobs.ts'
import type { Stores } from './stores.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

export type ContenderName =
  | 'ours'
  | 'bare-mongoose'
  | 'bare-mongoose-inc'
  | 'bare-broadcast'
  | 'our-adapter'
  | 'redis-classic'
  | 'redis-classic-mongoose'

/** The same world for every contender: who is in which room, by number. */
export interface World {
  users: number
  /** Members of each room. */
  rooms: number[][]
}

export interface SocketPlace {
  user: number
  /** The rooms that this socket is in; our own server knows them from the user's memberships. */
  rooms: number[]
  instance: number
}

export interface Contender {
  name: ContenderName
  pids(): number[]
  roomIds: string[]
  /** Where and as whom each socket connects, with credentials good for ten minutes. */
  sockets(places: SocketPlace[]): Promise<SocketPlan[]>
  /** SIGKILL, and a new start on the same port; resolves when the kill is done, with the start that is under way. */
  killAndRestart(): Promise<{ started: Promise<void> }>
  stop(): Promise<void>
}

export interface ContenderOptions {
  instances: number
  /** Loads the hook that collects garbage on SIGUSR2. */
  gcHook: boolean
}

/** What a contender needs of this repository beside the bench, if anything. */
const NEEDS: Partial<Record<ContenderName, string>> = {
  ours: 'src/main.ts',
  'our-adapter': 'src/realtime/batching-adapter.ts',
}

/** The file that a contender needs and that is not there, or undefined. */
export function missingFile(name: ContenderName): string | undefined {
  const file = NEEDS[name]
  return file && !existsSync(join(root, file)) ? file : undefined
}

/** Starts a contender's processes and builds its world. */
export async function startContender(
  name: ContenderName,
  measure: string,
  world: World,
  stores: Stores,
  options: ContenderOptions,
): Promise<Contender> {
  const database = `bench_${measure}_${name}`.replaceAll('-', '_')
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...serverEnv(name, stores, options.instances > 1),
    MONGODB_URI: stores.mongoUri(database),
    HOST: '127.0.0.1',
    LOG_LEVEL: 'warn',
  }
  // The peers get the flags of V8 that we give ourselves.
  const flags = serverArguments().filter((argument) => argument.startsWith('--'))
  const script = name === 'ours' ? serverArguments() : [...flags, '--import', 'tsx', 'scripts/bench/peers/bare.ts']
  const hook = options.gcHook
    ? ['--expose-gc', '--import', 'tsx', '--import', join(root, 'scripts/bench/lib/gc-hook.ts')]
    : []
  const start = async (port: number): Promise<Child> => {
    const child = startChild(process.execPath, [...hook, ...script], {
      ...env,
      PORT: String(port),
      DATA_DIR: join(stores.dir, `${database}-${port}`),
    })
    await waitFor(name, child, async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok)
    return child
  }

  const ports: number[] = []
  const children: Child[] = []
  for (let i = 0; i < options.instances; i++) {
    ports[i] = await freePort()
    children[i] = await start(ports[i]!)
  }
  const urls = ports.map((port) => `http://127.0.0.1:${port}`)
  const accounts = name === 'ours' ? await Accounts.register(urls[0]!, world.users) : undefined
  const roomIds = accounts
    ? await accounts.createRooms(world.rooms)
    : world.rooms.map(() => randomBytes(8).toString('hex'))

  let restarting: Promise<void> | undefined
  return {
    name,
    roomIds,
    pids: () => children.map((child) => child.pid),
    async sockets(places) {
      const tokens = accounts ? await accounts.tokens() : undefined
      return places.map(({ user, rooms, instance }) => ({
        url: urls[instance % urls.length]!,
        auth: tokens ? { token: tokens[user] } : { token: `user-${user}`, rooms: rooms.map((room) => roomIds[room]) },
      }))
    },
    async killAndRestart() {
      await children[0]!.stop('SIGKILL')
      restarting = start(ports[0]!).then((child) => {
        children[0] = child
      })
      return { started: restarting }
    },
    async stop() {
      // Whoever asked for the restart was told of its failure.
      await restarting?.catch(() => {})
      await Promise.all(children.map((child) => child.stop()))
      await stores.drop(database)
    },
  }
}

function serverEnv(name: ContenderName, stores: Stores, several: boolean): NodeJS.ProcessEnv {
  const redis = several ? { REDIS_URL: stores.redisUrl } : { REDIS_URL: undefined }
  if (name === 'ours') return { ...redis, RATE_LIMITS: 'off', JWT_SECRET: SECRET }
  const store = { 'bare-mongoose-inc': 'inc', 'bare-mongoose': 'create', 'redis-classic-mongoose': 'create' }[
    name as string
  ]
  return { ...redis, STORE: store ?? 'none', ADAPTER: name === 'our-adapter' ? 'batching' : undefined }
}

const SECRET = randomBytes(32).toString('hex')
