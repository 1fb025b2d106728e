import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import mongoose from 'mongoose'
import { ensureRedis, findMongod } from '../find-tools.ts'
import { createService, findPort, killAll, removeAtEnd, type Service } from './service.ts'

export interface Instance {
  name: string
  url: string
  service: Service
}

export interface Cluster {
  folder: string
  mongod: Service
  redis: Service
  instances: Instance[]
  /** Runs one command on Redis over a connection of its own; false where Redis did not answer. */
  commandRedis(...command: string[]): Promise<boolean>
  /** Ends every process; the folder is removed with the run, unless it is to be kept. */
  stop(): Promise<void>
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** The first start may build the web client; in milliseconds. */
const FIRST_START_MS = 180_000

/** Starts a mongod replica set of one, a Redis and the instances, all on 127.0.0.1 and in a folder of their own. */
export async function startCluster(count: number, entry: string[], keep: boolean): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'phantom-power-chaos-'))
  if (!keep) removeAtEnd(folder)
  try {
    return await start(folder, count, entry)
  } catch (error) {
    killAll()
    throw error
  }
}

async function start(folder: string, count: number, entry: string[]): Promise<Cluster> {
  const [mongoPort, redisPort] = [await findPort(), await findPort()]
  await mkdir(join(folder, 'mongo'))
  await mkdir(join(folder, 'redis'))
  const mongod = createService({
    name: 'mongod',
    command: (await findMongod()).path,
    args: [
      ...['--replSet', 'rs0', '--bind_ip', '127.0.0.1', '--port', String(mongoPort), '--dbpath', join(folder, 'mongo')],
      ...['--wiredTigerCacheSizeGB', '0.25', '--oplogSize', '64', '--nounixsocket', '--quiet'],
    ],
    logFile: join(folder, 'mongod.log'),
    probe: () => probeMongod(mongoPort),
  })
  const redis = createService({
    name: 'redis',
    command: await ensureRedis(),
    args: [
      ...['--port', String(redisPort), '--bind', '127.0.0.1', '--dir', join(folder, 'redis')],
      ...['--save', '', '--appendonly', 'no'],
    ],
    logFile: join(folder, 'redis.log'),
    probe: () => commandRedis(redisPort, ['PING']),
  })
  const uri = `mongodb://127.0.0.1:${mongoPort}/chaos?replicaSet=rs0`
  const secret = randomBytes(32).toString('hex')
  const instances: Instance[] = []
  for (let i = 0; i < count; i++) {
    const port = await findPort()
    const name = `instance ${i + 1}`
    const url = `http://127.0.0.1:${port}`
    const service = createService({
      name,
      command: process.execPath,
      args: entry,
      cwd: ROOT,
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        TMPDIR: process.env['TMPDIR'],
        NODE_ENV: 'test',
        HOST: '127.0.0.1',
        PORT: String(port),
        MONGODB_URI: uri,
        REDIS_URL: `redis://127.0.0.1:${redisPort}`,
        DATA_DIR: join(folder, `data-${i + 1}`),
        JWT_SECRET: secret,
        RATE_LIMITS: 'off',
        LOG_LEVEL: 'warn',
      },
      logFile: join(folder, `instance-${i + 1}.log`),
      probe: () => probeInstance(url),
    })
    instances.push({ name, url, service })
  }
  await Promise.all([mongod.start(), redis.start()])
  // The first one builds the web client where that was never done, which takes a slow machine its time.
  const [first, ...others] = instances
  await first!.service.start(FIRST_START_MS)
  await Promise.all(others.map((instance) => instance.service.start()))
  return {
    folder,
    mongod,
    redis,
    instances,
    commandRedis: (...command) => commandRedis(redisPort, command),
    async stop() {
      for (const service of [...instances.map((instance) => instance.service), redis, mongod]) await service.kill()
      killAll()
    },
  }
}

/** True once the set has a primary; makes it a set at its first start. */
async function probeMongod(port: number): Promise<boolean> {
  const client = new mongoose.mongo.MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: 500,
    connectTimeoutMS: 500,
    socketTimeoutMS: 2000,
  })
  try {
    const admin = client.db('admin')
    const hello = await admin.command({ hello: 1 })
    if (hello['isWritablePrimary']) return true
    if (!hello['setName']) {
      const members = [{ _id: 0, host: `127.0.0.1:${port}` }]
      await admin.command({ replSetInitiate: { _id: 'rs0', members, settings: { electionTimeoutMillis: 1000 } } })
    }
    return false
  } catch {
    // Not yet there: that is what a probe finds out.
    return false
  } finally {
    await client.close()
  }
}

async function commandRedis(port: number, command: string[]): Promise<boolean> {
  const redis = new Redis({
    ...{ host: '127.0.0.1', port, lazyConnect: true, connectTimeout: 1000, commandTimeout: 1000 },
    ...{ retryStrategy: () => null, maxRetriesPerRequest: 0, enableReadyCheck: false },
  })
  // The same failure rejects the call below, which answers it.
  redis.on('error', () => {})
  try {
    await redis.connect()
    await redis.call(command[0]!, ...command.slice(1))
    return true
  } catch {
    return false
  } finally {
    redis.disconnect()
  }
}

/** Ready by its own word. */
async function probeInstance(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(1000) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    await sleep(50)
    return false
  }
}
