import type { mongo } from 'mongoose'
import { Job } from '../../../models/Job.ts'
import { LogEntry } from '../../../models/LogEntry.ts'
import { Membership } from '../../../models/Membership.ts'
import type { Database } from '../../infra/mongo.ts'
import { createBatcher } from '../../kernel/batcher.ts'
import { groupBy } from '../../kernel/group.ts'
import { newId } from '../../kernel/ids.ts'
import type { Bus, Logger } from '../../kernel/ports.ts'
import type { LogRecord } from '../../log/types.ts'
import type { Jobs } from '../jobs.ts'
import type { News, Notifications } from './notifications.ts'
import type { NewsPlace } from './place.ts'

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
/** Logs with a burst in memory, bursts looked at at once, and what of one burst is kept. */
const maxBursts = 20_000
const atOnce = 2
const maxSenders = 64
const maxMentions = 1_000
const page = 1_000

interface Mention {
  userId: string
  message: Told
}

/** What news need to know of a message. */
interface Told {
  id: string
  seq: number
  senderId: string
}

/** What was said in a log lately: the last message of each sender, the oldest first, and the mentions. */
interface Said {
  senders: Map<string, Told>
  mentions: Mention[]
  toSeq: number
}

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

const nothingSaid = (): Said => ({ senders: new Map(), mentions: [], toSeq: 0 })

/** Notes a message; returns false where not all of it could be kept. */
function note(said: Said, record: LogRecord): boolean {
  const message = { id: record._id, seq: record.seq!, senderId: record.senderId }
  said.toSeq = Math.max(said.toSeq, message.seq)
  const last = said.senders.get(message.senderId)
  if (!last || last.seq < message.seq) {
    said.senders.delete(message.senderId)
    said.senders.set(message.senderId, message)
    // For a notification the latest of them are enough.
    if (said.senders.size > maxSenders) said.senders.delete(said.senders.keys().next().value!)
  }
  const mentions = record['mentions'] as string[] | undefined
  if (!mentions?.length) return true
  if (said.mentions.length + mentions.length > maxMentions) return false
  for (const userId of mentions) said.mentions.push({ userId, message })
  return true
}

/**
 * Tells people of new messages: one notification for a burst of them in a room or conversation, none to those who have
 * read it within a second, and one for each mention. A send costs memory alone, but for the first of a burst: a job is
 * stored beside it, and the ack waits for both, so that whatever dies, somebody looks at who has not read it.
 */
export function createBursts({ database, bus, jobs, notifications, placeOf, logger }: BurstsDeps) {
  const stored = database.collection(Job)
  const memberships = database.collection(Membership)
  const entries = database.collection(LogEntry) as unknown as mongo.Collection<LogRecord>
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
      if (burst.isCut) await tellSince(burst.logId, burst.fromSeq)
      else await tell(burst.logId, burst)
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

  /** Reads again what was said after a seq, and tells of it. */
  async function tellSince(logId: string, fromSeq: number) {
    const all = nothingSaid()
    for (let after = fromSeq; ; ) {
      const records = await entries
        .find({ logId, seq: { $gt: after } }, { projection: { seq: 1, senderId: 1, mentions: 1 } })
        .sort({ seq: 1 })
        .limit(page)
        .toArray()
      for (const record of records) {
        if (note(all, record)) continue
        await tellMentions(logId, all.mentions)
        all.mentions = []
        note(all, record)
      }
      if (records.length < page) break
      after = records.at(-1)!.seq!
    }
    if (all.toSeq > 0) await tell(logId, all)
  }

  async function tell(logId: string, said: Said) {
    await tellMentions(logId, said.mentions)
    const mentioned = new Set(said.mentions.map(({ userId }) => userId))
    const senders = [...said.senders.values()].sort((a, b) => b.seq - a.seq)
    const over = reached(logId, () => said.toSeq)
    const tellSome = async (behind: { userId: string; readSeq: number }[]) => {
      const userIds = behind.map(({ userId }) => userId)
      const [told, hides] = await Promise.all([
        notifications.haveUnread(behind.map(({ userId }) => ({ userId, dedupeKey: placeOf(logId, userId).about }))),
        notifications.blocking(
          userIds,
          senders.map(({ senderId }) => senderId),
        ),
      ])
      const news: News[] = []
      for (const { userId, readSeq } of behind) {
        if (told.has(userId)) continue
        const message = senders.find(
          ({ senderId, seq }) => seq > readSeq && senderId !== userId && !hides(userId, senderId),
        )
        if (!message) continue
        const { about, ids, mutedBy } = placeOf(logId, userId)
        news.push({
          userId,
          type: 'NewMessage',
          payload: { actorId: message.senderId, ...ids, messageId: message.id, seq: message.seq },
          dedupeKey: about,
          about,
          mutedBy,
        })
      }
      await notifications.notify(news, over)
    }
    let some: { userId: string; readSeq: number }[] = []
    const behind = memberships
      .find(
        { logId, active: true, readSeq: { $lt: said.toSeq } },
        { projection: { _id: 0, userId: 1, readSeq: 1 }, batchSize: page },
      )
      .stream()
    for await (const { userId, readSeq } of behind) {
      // Whoever sent all that is new, or was told of a mention in it, needs no more news.
      if (mentioned.has(userId) || (senders.length === 1 && senders[0]!.senderId === userId)) continue
      some.push({ userId, readSeq })
      if (some.length < 500) continue
      await tellSome(some)
      some = []
    }
    if (some.length > 0) await tellSome(some)
  }

  async function tellMentions(logId: string, mentions: Mention[]) {
    // By message, so that who has read it can be told in one look.
    for (const [message, users] of groupBy(mentions, (mention) => mention.message)) {
      const over = reached(logId, () => message.seq)
      const userIds = users.map(({ userId }) => userId)
      const haveRead = await over(userIds)
      await notifications.notify(
        userIds
          .filter((userId) => !haveRead.has(userId))
          .map((userId) => {
            const { about, ids } = placeOf(logId, userId)
            return {
              userId,
              type: 'NewMessage',
              payload: { actorId: message.senderId, ...ids, messageId: message.id, seq: message.seq, mention: true },
              dedupeKey: `mention:${message.id}`,
              once: true,
              about,
            }
          }),
        over,
      )
    }
  }

  /** Who of some users has read a log up to a seq, or is not in it any more. */
  const reached = (logId: string, seq: () => number) => async (userIds: string[]) => {
    const behind = await memberships
      .find(
        { logId, active: true, userId: { $in: userIds }, readSeq: { $lt: seq() } },
        { projection: { _id: 0, userId: 1 } },
      )
      .toArray()
    const left = new Set(userIds)
    for (const { userId } of behind) left.delete(userId)
    return left
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
      if ('logId' in payload) return tellSince(payload.logId, payload.fromSeq)
      const record = await entries.findOne({ _id: payload.messageId })
      if (!record?.seq) return
      const said = nothingSaid()
      note(said, record)
      await tellMentions(record.logId, said.mentions)
    },

    stats: () => ({ bursts: bursts.size, due: due.length }),

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
