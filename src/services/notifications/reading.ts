import type { Logger } from '../../kernel/ports.ts'
import type { Notifications } from './notifications.ts'

export interface Reading {
  userId: string
  /** The room or conversation, as notifications name it. */
  about: string
  readSeq: number
  /** Whether that was all there was. */
  isAll: boolean
}

/** How long readings are collected, in milliseconds, and how many wait at most. */
const collectMs = 200
const maxWaiting = 50_000
const atOnce = 200

/** Reading on in a room or conversation reads its notifications. */
export function createReading({ notifications, logger }: { notifications: Notifications; logger: Logger }) {
  const waiting = new Map<string, Reading>()
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | null = null
  let closed = false

  function collect(ms: number) {
    if (timer || running || closed || waiting.size === 0) return
    timer = setTimeout(() => {
      timer = undefined
      let pause = collectMs
      running = flush()
        .catch((error) => {
          pause = 1_000
          logger.warn({ err: error }, 'notifications could not be marked as read; trying again')
        })
        .finally(() => {
          running = null
          collect(pause)
        })
    }, ms)
    timer.unref()
  }

  async function flush() {
    while (waiting.size > 0) {
      const some = [...waiting].slice(0, atOnce)
      for (const [key] of some) waiting.delete(key)
      try {
        await markRead(some.map(([, reading]) => reading))
      } catch (error) {
        for (const [key, reading] of some) if (!waiting.has(key)) waiting.set(key, reading)
        throw error
      }
    }
  }

  async function markRead(readings: Reading[]) {
    const byKey = new Map(readings.map((reading) => [`${reading.userId} ${reading.about}`, reading]))
    const idsOf = new Map<string, string[]>()
    for (const { _id, userId, about, payload } of await notifications.unreadAbout(readings)) {
      const { readSeq, isAll } = byKey.get(`${userId} ${about}`)!
      if (payload['mention'] ? (payload['seq'] as number) > readSeq : !isAll) continue
      idsOf.set(userId, [...(idsOf.get(userId) ?? []), _id])
    }
    for (const [userId, ids] of idsOf) await notifications.markRead(userId, { ids })
  }

  return {
    /** A user's reading mark has moved on, or was confirmed where it is. */
    add(reading: Reading) {
      const key = `${reading.userId} ${reading.about}`
      waiting.delete(key)
      if (waiting.size >= maxWaiting) {
        logger.warn({ waiting: waiting.size }, 'too many readings wait; one does not mark its notifications as read')
        return
      }
      waiting.set(key, reading)
      collect(collectMs)
    },
    async close() {
      closed = true
      clearTimeout(timer)
      await running
      await flush()
    },
  }
}
