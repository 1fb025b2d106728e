import { setTimeout as sleep } from 'node:timers/promises'
import { Session } from '../../../models/Session.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Bus, Logger } from '../../kernel/ports.ts'

export type RevocationHandler = (sessionId: string, why: 'revoked' | 'expired') => void

export interface Revocations {
  /** Whether this instance knows a session to have ended lately. */
  has(sessionId: string): boolean
  /** Whether the database was asked within `trustMs`. */
  upToDate(): boolean
  trustMs: number
  /** Tells all instances, this one before it returns. */
  announce(sessionIds: string[]): void
  onRevoked(handler: RevocationHandler): void
  start(): Promise<void>
  close(): Promise<void>
}

export interface RevocationDeps {
  database: Database
  bus: Bus
  log: Logger
  pollMs: number
  /** Done in the same rhythm, such as small writes that can wait. */
  afterPoll(): Promise<void>
}

const topic = 'session.revoked'
/** How many ended sessions are kept in mind, the oldest forgotten first. */
const mostEnded = 20_000
/** How far a poll looks back beyond the last: a write's time is taken before it can be read, in milliseconds. */
const overlapMs = 5_000
const trustMs = 1_000
/** Longest wait for a look under way at the end, in milliseconds. */
const closeMs = 2_000

/** The sessions that were revoked or expired in the last so many milliseconds, by MongoDB's clock. */
export function endedWithin(ms: number) {
  const since = { $subtract: ['$$NOW', Math.ceil(ms)] }
  return {
    $or: [
      { $expr: { $gt: ['$revokedAt', since] } },
      { $expr: { $and: [{ $gt: ['$expiresAt', since] }, { $lte: ['$expiresAt', '$$NOW'] }] } },
    ],
  }
}

/**
 * Learns of ended sessions: by the bus at once, and by asking the database again and again, so that it also holds while
 * the bus is down or loses a message. Times are MongoDB's, on both sides of each comparison.
 */
export function createRevocations({ database, bus, log, pollMs, afterPoll }: RevocationDeps): Revocations {
  const handlers: RevocationHandler[] = []
  const ended = new Set<string>()
  let polledAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let polling: Promise<void> | undefined
  let closed = false

  function end(sessionId: string, why: 'revoked' | 'expired') {
    if (ended.has(sessionId)) return
    ended.add(sessionId)
    if (ended.size > mostEnded) ended.delete(ended.values().next().value as string)
    for (const handler of handlers) {
      try {
        handler(sessionId, why)
      } catch (error) {
        log.error({ err: error, sessionId }, 'A handler of ended sessions failed')
      }
    }
  }

  async function poll() {
    const startedAt = performance.now()
    const lookBack = Math.min(startedAt - polledAt, 24 * 3600_000) + overlapMs
    const options = { projection: { revokedAt: 1 }, maxTimeMS: 5_000 } as const
    const found = await database.find(Session, endedWithin(lookBack), options)
    for (const session of found) end(session._id, session.revokedAt ? 'revoked' : 'expired')
    polledAt = startedAt
    await afterPoll()
  }

  function next() {
    if (closed) return
    timer = setTimeout(() => {
      polling = poll()
        .catch((error) => log.warn({ err: error }, 'Asking for ended sessions failed; trying again'))
        .finally(next)
    }, pollMs)
    timer.unref()
  }

  bus.subscribe(topic, (message) => {
    for (const sessionId of message.split(' ')) end(sessionId, 'revoked')
  })

  return {
    has: (sessionId) => ended.has(sessionId),
    upToDate: () => performance.now() - polledAt < trustMs + pollMs,
    trustMs,
    announce(sessionIds) {
      for (const id of sessionIds) end(id, 'revoked')
      for (let i = 0; i < sessionIds.length; i += 100) bus.publish(topic, sessionIds.slice(i, i + 100).join(' '))
    },
    onRevoked: (handler) => void handlers.push(handler),
    async start() {
      // Nothing is cached before, so there is nothing to catch up with.
      polledAt = performance.now()
      await poll()
      next()
    },
    async close() {
      closed = true
      clearTimeout(timer)
      // A look into a database that is away could take half a minute.
      await Promise.race([polling, sleep(closeMs, undefined, { ref: false })])
    },
  }
}
