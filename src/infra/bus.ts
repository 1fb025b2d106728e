import { Redis } from 'ioredis'
import { newId } from '../kernel/ids.ts'
import type { Bus, Logger } from '../kernel/ports.ts'

/** ASCII record and unit separators: JSON text never holds them, so frames need no parsing to be parted. */
const record = '\u001e'
const unit = '\u001f'

/** Publishes that Redis has not answered yet; beyond these, hints are dropped rather than piled up. */
const maxPending = 2_000
const maxFrameBytes = 16 * 1024 * 1024

export interface RedisBus extends Bus {
  /** Whether Redis answers within `ms`; true where none is configured. */
  ping(ms: number): Promise<boolean>
  stats(): { published: number; received: number; dropped: number }
}

type Handler = (message: string) => void

/** A bus for a single instance: nobody else is there to be told. */
export function createLoneBus(): RedisBus {
  const handlers = new Map<string, Handler[]>()
  return {
    instanceId: newId(),
    state: 'alone',
    publish() {},
    announce(topic, message) {
      for (const handler of handlers.get(topic) ?? []) handler(message)
    },
    subscribe(topic, handler) {
      handlers.set(topic, [...(handlers.get(topic) ?? []), handler])
    },
    onReconnect() {},
    ping: async () => true,
    stats: () => ({ published: 0, received: 0, dropped: 0 }),
    close: async () => {},
  }
}

/**
 * The bus over one sharded Redis channel: what an instance publishes within a turn of its event loop goes as one
 * message. While Redis is away messages are dropped, not kept: they are hints, and whoever relies on them compares
 * with MongoDB after `onReconnect` and from time to time. `name` keeps services that share a Redis apart.
 */
export function createRedisBus(url: string, name: string, log: Logger): RedisBus {
  const instanceId = newId()
  const channel = `phantom-power:${name}`
  const handlers = new Map<string, Handler[]>()
  const reconnects: (() => void)[] = []
  const stats = { published: 0, received: 0, dropped: 0 }
  let frames: string[] = []
  let frameBytes = 0
  let pending = 0
  let closed = false
  let subscribed = false
  let wasUp = false

  const options = {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 5_000,
    retryStrategy: (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000) * (0.5 + Math.random() / 2),
    lazyConnect: true,
  }
  const publisher = new Redis(url, options)
  const subscriber = new Redis(url, { ...options, autoResubscribe: false })

  for (const [role, client] of [
    ['publisher', publisher],
    ['subscriber', subscriber],
  ] as const) {
    client.on('error', (error) => log.debug({ err: error, role }, 'Redis connection'))
    client.on('close', () => {
      if (role === 'subscriber') subscribed = false
      if (!closed && wasUp) log.warn({ role }, 'lost Redis; going on with what MongoDB tells')
    })
    void client.connect().catch(() => {})
  }
  subscriber.on('ready', () => void listen())
  publisher.on('ready', () => {
    if (subscribed) wakeUp()
  })

  async function listen() {
    try {
      await subscriber.ssubscribe(channel)
      subscribed = true
      if (publisher.status === 'ready') wakeUp()
    } catch (error) {
      log.warn({ err: error }, 'could not subscribe to Redis')
      if (!closed) subscriber.disconnect(true)
    }
  }

  function wakeUp() {
    if (wasUp) log.info({}, 'Redis is back')
    wasUp = true
    for (const handler of reconnects) handler()
  }

  subscriber.on('smessage', (_channel: string, text: string) => {
    const parts = text.split(record)
    if (parts[0] === instanceId) return
    for (let index = 1; index < parts.length; index++) {
      const frame = parts[index]!
      const end = frame.indexOf(unit)
      stats.received++
      dispatch(frame.slice(0, end), frame.slice(end + 1))
    }
  })

  function dispatch(topic: string, message: string) {
    for (const handler of handlers.get(topic) ?? []) {
      try {
        handler(message)
      } catch (error) {
        log.error({ err: error, topic }, 'a message from another instance could not be handled')
      }
    }
  }

  function flush() {
    const text = [instanceId, ...frames].join(record)
    const count = frames.length
    frames = []
    frameBytes = 0
    if (publisher.status !== 'ready' || pending >= maxPending) {
      stats.dropped += count
      return
    }
    pending++
    publisher.spublish(channel, text).then(
      () => {
        pending--
        stats.published += count
      },
      () => {
        pending--
        stats.dropped += count
      },
    )
  }

  function publish(topic: string, message: string) {
    if (frames.length === 0) setImmediate(flush)
    frames.push(topic + unit + message)
    frameBytes += message.length
    if (frameBytes > maxFrameBytes) {
      stats.dropped += frames.length
      frames = [frames.pop()!]
      frameBytes = message.length
    }
  }

  return {
    instanceId,
    get state() {
      return subscribed && publisher.status === 'ready' ? 'up' : 'down'
    },
    publish,
    announce(topic, message) {
      dispatch(topic, message)
      publish(topic, message)
    },
    subscribe(topic, handler) {
      handlers.set(topic, [...(handlers.get(topic) ?? []), handler])
    },
    onReconnect(handler) {
      reconnects.push(handler)
    },
    async ping(ms) {
      if (!subscribed || publisher.status !== 'ready') return false
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<boolean>((done) => {
        timer = setTimeout(done, ms, false)
      })
      const answer = publisher.ping().then(
        () => true,
        () => false,
      )
      try {
        return await Promise.race([answer, late])
      } finally {
        clearTimeout(timer)
      }
    },
    stats: () => ({ ...stats }),
    async close() {
      closed = true
      // What was said in this turn still goes out; after that nobody waits for Redis.
      if (frames.length > 0) flush()
      await Promise.race([publisher.quit().catch(() => {}), new Promise((done) => setTimeout(done, 500))])
      publisher.disconnect()
      subscriber.disconnect()
    },
  }
}
