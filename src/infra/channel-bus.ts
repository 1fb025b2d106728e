import { Redis } from 'ioredis'
import type { ChannelBus, Logger } from '../kernel/ports.ts'

/** Bytes on their way to Redis; beyond these, messages are dropped rather than piled up. */
const maxPendingBytes = 64 * 1024 * 1024
const subscribeMs = 1_000

/** For a single instance: nobody else is there to be told. */
export function createLoneChannels(): ChannelBus {
  return {
    publish() {},
    subscribe: async () => {},
    unsubscribe() {},
    onReconnect() {},
    close: async () => {},
  }
}

/**
 * Channels as sharded Redis channels of their own, so that an instance receives only what it has subscribed to.
 * `name` keeps services that share a Redis apart.
 */
export function createRedisChannels(url: string, name: string, log: Logger): ChannelBus {
  const prefix = `phantom-power:${name}:`
  const handlers = new Map<string, (message: Buffer) => void>()
  const reconnects: (() => void)[] = []
  let pendingBytes = 0
  let wasUp = false
  const options = {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 5_000,
    retryStrategy: (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000) * (0.5 + Math.random() / 2),
    lazyConnect: true,
  }
  // What is published within a turn goes out as one write.
  const publisher = new Redis(url, { ...options, enableAutoPipelining: true })
  const subscriber = new Redis(url, { ...options, autoResubscribe: false })
  for (const client of [publisher, subscriber]) {
    client.on('error', (error) => log.debug({ err: error }, 'Redis connection of the channels'))
    void client.connect().catch(() => {})
  }
  subscriber.on('ready', () => void resubscribe())
  publisher.on('ready', () => {
    if (wasUp) tellReconnected()
  })

  async function resubscribe() {
    try {
      const channels = [...handlers.keys()]
      for (let index = 0; index < channels.length; index += 500) {
        await subscriber.ssubscribe(...channels.slice(index, index + 500).map((channel) => prefix + channel))
      }
      if (wasUp) tellReconnected()
      wasUp = true
    } catch (error) {
      log.warn({ err: error }, 'could not subscribe to channels')
      if (subscriber.status === 'ready') subscriber.disconnect(true)
    }
  }

  function tellReconnected() {
    for (const handler of reconnects) handler()
  }

  subscriber.on('smessageBuffer', (channel: Buffer, message: Buffer) => {
    const handler = handlers.get(channel.toString('latin1').slice(prefix.length))
    if (!handler) return
    try {
      handler(message)
    } catch (error) {
      log.error({ err: error }, 'a message of a channel could not be handled')
    }
  })

  return {
    publish(channel, message) {
      if (publisher.status !== 'ready' || pendingBytes > maxPendingBytes) return
      pendingBytes += message.length
      const done = () => {
        pendingBytes -= message.length
      }
      publisher
        .spublish(prefix + channel, Buffer.from(message.buffer, message.byteOffset, message.length))
        .then(done, done)
    },
    async subscribe(channel, handler) {
      handlers.set(channel, handler)
      if (subscriber.status !== 'ready') return
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((done) => {
        timer = setTimeout(done, subscribeMs)
      })
      const done = subscriber.ssubscribe(prefix + channel).then(
        () => {},
        (error) => log.debug({ err: error }, 'could not subscribe to a channel; a reconnect does'),
      )
      await Promise.race([done, late])
      clearTimeout(timer)
    },
    unsubscribe(channel) {
      handlers.delete(channel)
      if (subscriber.status !== 'ready') return
      subscriber.sunsubscribe(prefix + channel).catch((error) => {
        log.debug({ err: error }, 'could not unsubscribe from a channel')
      })
    },
    onReconnect(handler) {
      reconnects.push(handler)
    },
    async close() {
      await Promise.race([publisher.quit().catch(() => {}), new Promise((done) => setTimeout(done, 500))])
      publisher.disconnect()
      subscriber.disconnect()
    },
  }
}
