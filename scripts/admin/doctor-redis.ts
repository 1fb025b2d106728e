import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { type Finding, fail, ok } from './finding.ts'

const connectMs = 5_000
const deliverMs = 2_000

/** Redis: in reach, new enough, and passing messages on as the bus between instances does. */
export async function checkRedis(url: string | undefined): Promise<Finding[]> {
  if (!url) return [ok('Redis', 'REDIS_URL is not set: one instance works alone')]
  const options = { lazyConnect: true, connectTimeout: connectMs, retryStrategy: () => null, maxRetriesPerRequest: 0 }
  const publisher = new Redis(url, options)
  const subscriber = new Redis(url, options)
  let problem = ''
  for (const client of [publisher, subscriber]) {
    client.on('error', (error: Error) => {
      problem = error.message
    })
  }
  try {
    try {
      await Promise.all([publisher.connect(), subscriber.connect()])
    } catch (error) {
      const why = problem || (error as Error).message
      return [fail('Redis', `out of reach (${why}). Is it running, and are address and password of REDIS_URL right?`)]
    }
    const version = /redis_version:(\S+)/.exec(await publisher.info('server'))?.[1] ?? 'unknown'
    if (Number.parseInt(version, 10) < 7) {
      return [fail('Redis', `${version} is too old: sharded pub/sub came with 7.0. Install Redis 7 or newer`)]
    }
    return [ok('Redis', version), await passMessage(publisher, subscriber)]
  } catch (error) {
    return [fail('Redis', `a check failed: ${(error as Error).message}. The account may need more rights`)]
  } finally {
    publisher.disconnect()
    subscriber.disconnect()
  }
}

async function passMessage(publisher: Redis, subscriber: Redis): Promise<Finding> {
  const channel = `phantom-power:doctor:${randomUUID()}`
  let timer: NodeJS.Timeout | undefined
  const heard = new Promise<boolean>((done) => {
    subscriber.once('smessage', () => done(true))
    timer = setTimeout(done, deliverMs, false)
  })
  try {
    await subscriber.ssubscribe(channel)
    const started = performance.now()
    await publisher.spublish(channel, 'ping')
    if (await heard) return ok('sharded pub/sub', `a message took ${(performance.now() - started).toFixed(1)} ms`)
    return fail('sharded pub/sub', `a message was not delivered in ${deliverMs / 1000} s. Is a proxy in between?`)
  } finally {
    clearTimeout(timer)
  }
}
