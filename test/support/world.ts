import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mongoose from 'mongoose'
import type { ManagerOptions, SocketOptions } from 'socket.io-client'
import { type App, type AppOptions, startApp } from '../../src/app.ts'
import { type Config, readConfig } from '../../src/config.ts'
import type { Logger } from '../../src/kernel/ports.ts'
import { startTestMongod } from './mongod.ts'
import { bundleOf, programArguments } from './programs.ts'
import { startTestRedis, type TestRedis } from './redis.ts'
import { connectSocket, type TestSocket, until } from './socket.ts'

export interface WorldOptions {
  /** Instances in this process. */
  instances?: number
  /** Whether they share a Redis: by default where there are several. `own`: one of the world's own, to be broken. */
  redis?: boolean | 'own'
  /** Over the defaults of the environment. */
  config?: Partial<Config>
  /** The folder of the built web client, to serve it. */
  webHome?: string
  /** bcrypt's cost. */
  passwordCost?: number
  /** Times of presence, in milliseconds. */
  presence?: AppOptions['presence']
  /** How long notifications are collected for one mail, in milliseconds. */
  digestMs?: number
  /** What stands in for the open net when pushes are sent. */
  push?: AppOptions['push']
  /** Times of boards, in milliseconds. */
  boards?: AppOptions['boards']
}

export interface Person {
  id: string
  name: string
  email: string
  password: string
  sessionId: string
  accessToken: string
  refreshToken: string
}

export interface Robot {
  id: string
  botId: string
  accessToken: string
}

export interface Instance {
  url: string
  /** Undefined for one in a process of its own. */
  app?: App
  process?: ChildProcess
  close(): Promise<void>
}

export interface Answer {
  status: number
  headers: Headers
  /** Parsed where it is JSON, else the text. */
  body: any
}

export interface AskOptions {
  as?: { accessToken: string }
  body?: unknown
  /** A body as it is, instead. */
  raw?: string | Uint8Array<ArrayBuffer>
  headers?: Record<string, string>
  instance?: number | Instance
}

export interface SpawnOptions {
  /** The longest file that the process can write, in KiB: as a full disk is to it. */
  fileLimitKiB?: number
}

export interface World {
  instances: Instance[]
  mongoUri: string
  /** The redis-server of `redis: 'own'`. */
  redis: TestRedis | undefined
  /** The data folder of an instance of this process. */
  dataDir(instance: number): string
  /** The world's database, past the server. */
  database: mongoose.Connection
  /** What the instances logged as errors; `close` throws where there are any left. */
  errors: { details: any; message: string }[]
  /** Registers over REST. */
  user(name?: string): Promise<Person>
  users(...names: string[]): Promise<Person[]>
  /** A bot of a person's, with these scopes. */
  bot(owner: Person, scopes: string[]): Promise<Robot>
  /** Connects a stock client, over WebSocket alone unless told otherwise, and waits for `ready`. */
  connect(
    who: { accessToken: string },
    instance?: number | Instance,
    options?: Partial<ManagerOptions & SocketOptions>,
  ): Promise<TestSocket>
  /** A REST request; its body is JSON. */
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>
  /** One more instance in this process. */
  addInstance(config?: Partial<Config>): Promise<Instance>
  /** One in a process of its own, for SIGKILL; its password cost is the server's. */
  spawnInstance(env?: Record<string, string>, options?: SpawnOptions): Promise<Instance>
  until: typeof until
  /** Ends all that was started. Throws where an instance logged an error. */
  close(): Promise<void>
}

/** Shared by all instances of a world. */
const secret = 'a secret of the tests alone, long enough'
let worlds = 0

/**
 * The whole server as people meet it: instances over one fresh database of a real mongod (and a real Redis), and stock
 * clients. What goes out is checked against its declaration. Rate limits are off unless the config says otherwise.
 */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const { instances: count = 1, redis: wantsRedis = count > 1, passwordCost = 4 } = options
  const stops: (() => unknown)[] = []
  const errors: World['errors'] = []
  const logger: Logger = {
    debug() {},
    info() {},
    warn() {},
    error: (details, message) => void errors.push({ details, message }),
    child: () => logger,
  }
  /** Whether all that used the database ended well: what a killed process left open would hold up the next world. */
  let isReusable = true
  async function stopAll() {
    const failures: unknown[] = []
    for (const stop of stops.splice(0).reverse()) {
      try {
        await stop()
      } catch (error) {
        failures.push(error)
        isReusable = false
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'the world did not end cleanly')
  }

  try {
    const mongod = await startTestMongod(`world${++worlds}`, { reuses: true })
    stops.push(() => mongod.close({ keeps: isReusable }))
    const database = await mongoose.createConnection(mongod.uri).asPromise()
    stops.push(() => database.close())
    const shared = wantsRedis === true ? process.env['TEST_REDIS_URL'] : undefined
    const redis = wantsRedis && !shared ? await startTestRedis() : undefined
    if (redis) stops.push(() => redis.close())
    const redisUrl = shared ?? redis?.url
    const folder = await mkdtemp(join(tmpdir(), 'phantom-world-'))
    stops.push(() => rm(folder, { recursive: true, force: true }))

    const instances: Instance[] = []
    const at = (instance: number | Instance) =>
      typeof instance === 'number' ? instances[instance % instances.length]! : instance

    async function addInstance(config: Partial<Config> = {}): Promise<Instance> {
      const defaults = readConfig({
        PORT: '0',
        DATA_DIR: join(folder, `${instances.length}`),
        MONGODB_URI: mongod.uri,
        REDIS_URL: redisUrl,
        JWT_SECRET: secret,
        LOG_LEVEL: 'silent',
        RATE_LIMITS: 'off',
      })
      const app = await startApp(
        { ...defaults, ...options.config, ...config },
        {
          logger,
          version: '0.0.0',
          checkOutput: true,
          passwordCost,
          presence: options.presence,
          digestMs: options.digestMs,
          push: options.push,
          boards: options.boards,
          audioWorker: bundleOf('src/audio/workers/worker.ts'),
          webHome: options.webHome,
        },
      )
      let closed: Promise<void> | undefined
      const close = () => {
        closed ??= app.close(8_000)
        return closed
      }
      stops.push(close)
      const instance = { url: `http://127.0.0.1:${app.port}`, app, close }
      instances.push(instance)
      return instance
    }
    for (let index = 0; index < count; index++) await addInstance()

    const sockets = new Set<TestSocket>()
    stops.push(() => {
      for (const socket of sockets) socket.close()
    })

    let people = 0
    const world: World = {
      instances,
      mongoUri: mongod.uri,
      redis,
      database,
      errors,
      dataDir: (instance) => join(folder, `${instance}`),
      until,
      addInstance,
      async ask(method, path, { as, body, raw, headers = {}, instance = 0 } = {}) {
        const response = await fetch(at(instance).url + path, {
          method,
          headers: {
            ...(as && { Authorization: `Bearer ${as.accessToken}` }),
            ...(body !== undefined && { 'Content-Type': 'application/json' }),
            ...headers,
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
          ...(raw !== undefined && { body: raw }),
          signal: AbortSignal.timeout(60_000),
        })
        const text = await response.text()
        const isJson = response.headers.get('Content-Type')?.includes('json')
        return { status: response.status, headers: response.headers, body: isJson && text ? JSON.parse(text) : text }
      },
      async user(name = `Person ${people + 1}`) {
        const email = `person.${++people}@example.com`
        const password = `password ${people}`
        const { status, body } = await world.ask('POST', '/api/v1/auth/register', {
          body: { email, password, displayName: name },
        })
        if (status !== 201) throw new Error(`register answered ${status}: ${JSON.stringify(body)}`)
        const { user, session, accessToken, refreshToken } = body
        return { id: user.id, name, email, password, sessionId: session.id, accessToken, refreshToken }
      },
      users: (...names) => Promise.all(names.map((name) => world.user(name))),
      async bot(owner, scopes) {
        const { status, body } = await world.ask('POST', '/api/v1/bots', {
          as: owner,
          body: { name: 'Metronome', scopes },
        })
        if (status !== 201) throw new Error(`bots answered ${status}: ${JSON.stringify(body)}`)
        return { id: body.bot.userId, botId: body.bot.id, accessToken: body.token }
      },
      async connect(who, instance = 0, given) {
        const socket = await connectSocket(at(instance).url, who.accessToken, given)
        sockets.add(socket)
        return socket
      },
      async spawnInstance(env = {}, { fileLimitKiB } = {}) {
        isReusable = false
        const command = [process.execPath, ...programArguments('src/main.ts'), 'web']
        // In blocks of 512 bytes, as POSIX has it; the shell gives its place to the server.
        const limited = ['sh', '-c', `ulimit -f ${2 * (fileLimitKiB ?? 0)} && exec "$@"`, 'sh', ...command]
        const [program, ...args] = fileLimitKiB === undefined ? command : limited
        const child = spawn(program!, args, {
          stdio: ['ignore', 'ignore', 'pipe'],
          env: {
            PATH: process.env['PATH'],
            PORT: '0',
            DATA_DIR: join(folder, 'spawned'),
            MONGODB_URI: mongod.uri,
            REDIS_URL: redisUrl,
            JWT_SECRET: secret,
            LOG_LEVEL: 'error',
            RATE_LIMITS: 'off',
            ...env,
          },
        })
        const close = async () => {
          if (child.exitCode !== null || child.signalCode !== null) return
          const ended = once(child, 'exit')
          child.kill('SIGKILL')
          await ended
        }
        stops.push(close)
        let said = ''
        child.stderr!.setEncoding('utf8').on('data', (text: string) => {
          if (said.length < 10_000) said += text
        })
        const url = await until(
          () => {
            if (child.exitCode !== null) throw new Error(`the instance ended: ${said}`)
            return /listens on (\S+)/.exec(said)?.[1]
          },
          90_000,
          'a spawned instance listens',
        )
        const instance = { url, process: child, close }
        instances.push(instance)
        return instance
      },
      async close() {
        await stopAll()
        if (errors.length > 0) {
          const first = errors[0]!
          throw new Error(`${errors.length} errors were logged, first: ${first.message}`, { cause: first.details.err })
        }
      },
    }
    return world
  } catch (error) {
    await stopAll().catch((failure) => console.error(failure))
    throw error
  }
}
