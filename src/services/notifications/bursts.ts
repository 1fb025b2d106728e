import { Job } from '../../../models/Job.ts'
import type { Database } from '../../infra/mongo.ts'
import { createBatcher } from '../../kernel/batcher.ts'
import { newId } from '../../kernel/ids.ts'
import type { Bus, Logger } from '../../kernel/ports.ts'
import type { LogRecord } from '../../log/types.ts'
import type { Jobs } from '../jobs.ts'
import type { Notifications } from './notifications.ts'
import type { NewsPlace } from './place.ts'
import { note, nothingSaid, type Said } from './said.ts'
import { createTeller } from './teller.ts'

export interface BurstsDeps {
  database: Database
  bus: Bus
  jobs: Jobs
  notifications: Notifications
  placeOf(logId: string, userId: string): NewsPlace
  logger: Logger
}

/** By which job the news of a burst are given by another process, where the one that had it died. */
export const telling = { kind: 'notification:burst' }
export type TellingPayload = { logId: string; fromSeq: number } | { messageId: string }

/** How long after the first message of a burst its readers are looked at, in milliseconds. */
const collectMs = 1_000
/** How long a burst's job is left to its process, and how long a send may be under way after its burst has ended. */
const leaseMs = 15_000
/** Logs with a burst in memory, and bursts looked at at once. */
const maxBursts = 20_000
const atOnce = 2

interface Burst extends Said {
  /** Of the job that stands for it. */
  id: string
  logId: string
  fromSeq: number
  /** Settles when the job is durable; null from then on. */
  stored: Promise<void> | null
  /** Sends that count to it and are under way. */
  pending: number
  whenIdle: (() => void) | null
  /** Whether more was said than is kept here. */
  isCut: boolean
}

/**
 * Tells people of new messages: one notification for a burst of them in a room or conversation, none to those who have
 * read it within a second, and one for each mention. A send costs memory alone, but for the first of a burst: a job is
 * stored beside it, and the ack waits for both, so that whatever dies, somebody looks at who has not read it.
 */
export function createBursts({ database, bus, jobs, notifications, placeOf, logger }: BurstsDeps) {
  const stored = database.collection(Job)
  const teller = createTeller({ database, notifications, placeOf })
  const bursts = new Map<string, Burst>()
  const due: string[] = []
  const timers = new Set<NodeJS.Timeout>()
  let looking = 0
  let closed = false

  const writer = createBatcher<Pick<Burst, 'id' | 'logId' | 'fromSeq'>, void>(async (starts) => {
    await stored.bulkWrite(
      starts.map(({ id, logId, fromSeq }) => ({
        updateOne: {
          filter: { _id: id },
          update: [
            {
              $set: {
                kind: telling.kind,
                payload: { $literal: { logId, fromSeq } },
                runAt: { $add: ['$$NOW', leaseMs] },
                leasedBy: bus.instanceId,
                attempts: 0,
                lastError: null,
                failedAt: null,
              },
            },
          ],
          upsert: true,
        },
      })) as never,
      { ordered: false },
    )
    return starts.map(() => undefined)
  })

  const remover = createBatcher<string, void>(
    async (ids) => {
      await stored.deleteMany({ _id: { $in: ids }, leasedBy: bus.instanceId })
      return ids.map(() => undefined)
    },
    { pauseMs: 50 },
  )

  function begin(logId: string, fromSeq: number): Burst {
    const burst: Burst = {
      ...nothingSaid(),
      id: newId(),
      logId,
      fromSeq,
      stored: null,
      pending: 0,
      whenIdle: null,
      isCut: false,
    }
    // The message is what an ack promises: it does not fail for want of its news.
    burst.stored = writer
      .add(burst)
      .catch((error) => logger.warn({ err: error, logId }, 'news of messages would not survive this process'))
      .then(() => {
        burst.stored = null
      })
    bursts.set(logId, burst)
    const timer = setTimeout(() => {
      timers.delete(timer)
      due.push(logId)
      next()
    }, collectMs)
    timer.unref()
    timers.add(timer)
    return burst
  }

  /** Looks at the bursts that are due, the first first; one that waits for its turn goes on collecting. */
  function next() {
    while (looking < atOnce && due.length > 0 && !closed) {
      const burst = bursts.get(due.shift()!)
      if (!burst) continue
      bursts.delete(burst.logId)
      looking++
      look(burst)
        .catch((error) =>
          // Its job is still there, for whoever takes it up when the lease ends.
          logger.warn({ err: error, logId: burst.logId }, 'could not tell of new messages; it will be tried again'),
        )
        .finally(() => {
          looking--
          next()
        })
    }
  }

  async function look(burst: Burst) {
    if (burst.pending > 0) await idle(burst)
    if (burst.toSeq > 0) {
      if (burst.isCut) await teller.tellSince(burst.logId, burst.fromSeq)
      else await teller.tell(burst.logId, burst)
    }
    await burst.stored
    await remover.add(burst.id)
  }

  /** Waits for the sends under way. Rejects where they take too long: then the job tells of them. */
  function idle(burst: Burst): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('sends are under way for too long')), leaseMs)
      burst.whenIdle = () => {
        clearTimeout(late)
        resolve()
      }
    })
  }

  return {
    /**
     * Around storing a message in a log whose messages reach at least to `fromSeq`: resolves with what `append` does,
     * once it is certain that its readers will be told.
     */
    async around(logId: string, fromSeq: number, append: () => Promise<LogRecord>): Promise<LogRecord> {
      let burst = bursts.get(logId)
      if (!burst && (closed || bursts.size >= maxBursts)) {
        const [record] = await Promise.all([
          append(),
          jobs.enqueue(telling, { logId, fromSeq }, { delayMs: collectMs }),
        ])
        return record
      }
      burst ??= begin(logId, fromSeq)
      burst.pending++
      try {
        const record = burst.stored ? (await Promise.all([append(), burst.stored]))[0] : await append()
        // A repeat of an earlier send is no news.
        if (record.seq! > fromSeq && !note(burst, record)) burst.isCut = true
        return record
      } finally {
        burst.pending--
        if (burst.pending === 0) burst.whenIdle?.()
      }
    },

    /** Around an edit that mentions people. */
    async aroundEdit<T>(messageId: string, change: () => Promise<T>): Promise<T> {
      await jobs.enqueue(telling, { messageId }, { delayMs: collectMs })
      return change()
    },

    /** Tells of a burst, or of an edited message, as a stored job says. */
    async tell(payload: TellingPayload): Promise<void> {
      if ('logId' in payload) return teller.tellSince(payload.logId, payload.fromSeq)
      return teller.tellEdited(payload.messageId)
    },

    /** Bursts that collect, those of them that are due, and those looked at. */
    stats: () => ({ bursts: bursts.size, due: due.length, looking }),

    /** Hands what is not told yet to other processes, or to the next start. */
    async close() {
      closed = true
      for (const timer of timers) clearTimeout(timer)
      // Those begun by repeats of earlier sends have nothing to tell.
      const silent = [...bursts.values()].filter(({ toSeq, pending }) => toSeq === 0 && pending === 0)
      bursts.clear()
      await Promise.all([writer.idle(), remover.idle()])
      if (silent.length > 0) {
        await stored.deleteMany({ _id: { $in: silent.map(({ id }) => id) }, leasedBy: bus.instanceId })
      }
      await stored.updateMany({ kind: telling.kind, leasedBy: bus.instanceId }, [
        // Sends that are under way still end before it is looked at who has not read them.
        { $set: { leasedBy: null, runAt: { $add: ['$$NOW', 2_000] } } },
      ])
    },
  }
}

export type Bursts = ReturnType<typeof createBursts>
