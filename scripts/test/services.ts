import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { type EmbeddedMongo, startEmbeddedMongo } from '../../src/infra/mongod.ts'
import { describeEnd, supervise } from '../../src/infra/supervised.ts'
import { ensureRedis } from '../find-tools.ts'

/** The servers that all suites share. */
export interface TestServices {
  mongoUri: string
  redisUrl: string
  /** Ends both and removes their data. */
  close(): Promise<void>
}

const REDIS_START_MS = 30_000
const PORT_ATTEMPTS = 10

/**
 * Starts one mongod and one redis-server, each on a free port of 127.0.0.1; they die with this process. Where
 * TEST_MONGODB_URI and TEST_REDIS_URL name servers already, those are used and left running.
 */
export async function startTestServices(log: (line: string) => void): Promise<TestServices> {
  const { TEST_MONGODB_URI: mongoUri, TEST_REDIS_URL: redisUrl } = process.env
  if (mongoUri && redisUrl) {
    log('using the servers of TEST_MONGODB_URI and TEST_REDIS_URL')
    return { mongoUri, redisUrl, close: async () => {} }
  }
  const dir = await mkdtemp(join(tmpdir(), 'phantom-power-test-'))
  let redis: { url: string; close(): Promise<void> } | undefined
  let mongo: EmbeddedMongo | undefined
  const close = async () => {
    const ends = await Promise.allSettled([redis?.close(), mongo?.close()])
    await rm(dir, { recursive: true, force: true })
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }
  try {
    redis = await startRedis(dir, await ensureRedis(log))
    mongo = await startEmbeddedMongo({ dataDir: dir, binary: process.env['MONGOD_BIN'], cacheSizeGB: 0.25, log })
    return { mongoUri: mongo.uri, redisUrl: redis.url, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** A redis-server without persistence. Its port is drawn, as it cannot choose a free one itself. */
async function startRedis(dir: string, binary: string): Promise<{ url: string; close(): Promise<void> }> {
  let problem = ''
  for (let attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const where = ['--bind', '127.0.0.1', '--port', String(port), '--dir', dir]
    const server = supervise(binary, [...where, '--save', '', '--appendonly', 'no'], {
      onLine: (line) => {
        problem = line
      },
    })
    let gone = false
    server.ended.then((end) => {
      gone = true
      problem = `${problem} (${describeEnd(end)})`
    })
    const url = `redis://127.0.0.1:${port}`
    const deadline = Date.now() + REDIS_START_MS
    while (!gone && Date.now() < deadline) {
      // The answer must come from the one started here, not from another that had the port before.
      const answering = await redisProcess(url)
      if (answering !== undefined && answering === server.pid()) {
        return { url, close: async () => void (await server.stop()) }
      }
      await sleep(50)
    }
    await server.stop()
  }
  throw new Error(`redis-server did not start: ${problem}`)
}

/** The process id of the Redis that answers at a URL; undefined where none does yet. */
export async function redisProcess(url: string): Promise<number | undefined> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: 1_000 })
  // Told by the rejection of connect() as well; without a listener it would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    const pid = /process_id:(\d+)/.exec(await client.info('server'))?.[1]
    return pid === undefined ? undefined : Number(pid)
  } catch {
    // Not there yet: the caller asks again until its deadline.
    return undefined
  } finally {
    client.disconnect()
  }
}
