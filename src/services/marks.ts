import { Membership } from '../../models/Membership.ts'
import type { Database } from '../infra/mongo.ts'
import { createBatcher } from '../kernel/batcher.ts'
import { notFound } from '../kernel/errors.ts'
import { logRecords } from './shared/records.ts'

interface Mark {
  logId: string
  userId: string
  seq: number
}

/** How many past moves of a mark are kept, for when a message was read. */
const maxMarks = 200
/** More readers of one message than these are not counted. */
const maxReaders = 20_000
/** The most readers that a message names. */
const maxSeenBy = 200

/**
 * Reading marks: one cursor a member and log, which never moves back. What was read, seen and is unread derives from
 * it, and is never counted up and down.
 */
export function createMarks({ database }: { database: Database }) {
  const memberships = database.collection(Membership)
  const entries = logRecords(database)

  const batcher = createBatcher<Mark, number>(async (marks) => {
    await memberships.bulkWrite(
      marks.map(({ logId, userId, seq }) => ({
        updateOne: {
          filter: { logId, userId, active: true, readSeq: { $lt: seq } },
          update: {
            $max: { readSeq: seq },
            $push: { marks: { $each: [{ seq, at: new Date() }], $slice: -maxMarks } },
          },
        },
      })) as never,
      { ordered: true },
    )
    const pairs = [...new Map(marks.map((mark) => [`${mark.logId} ${mark.userId}`, mark])).values()]
    const found = await memberships
      .find(
        { $or: pairs.map(({ logId, userId }) => ({ logId, userId, active: true })) },
        { projection: { logId: 1, userId: 1, readSeq: 1 } },
      )
      .toArray()
    const now = new Map(found.map((each) => [`${each.logId} ${each.userId}`, each.readSeq]))
    return marks.map(({ logId, userId }) => now.get(`${logId} ${userId}`) ?? notFound('membership'))
  })

  return {
    /** Moves a mark on to `seq`; resolves with where it is then. Throws `not_found` for one who is not a member. */
    move: (mark: Mark): Promise<number> => batcher.add(mark),

    /** How many messages of others lie past the user's mark in each of the logs, given where each ends. */
    async unread(
      userId: string,
      logs: { logId: string; readSeq: number; seq: number }[],
    ): Promise<Map<string, number>> {
      const counts = new Map(logs.map(({ logId, readSeq, seq }) => [logId, Math.max(0, seq - readSeq)]))
      const behind = logs.filter(({ readSeq, seq }) => readSeq < seq)
      for (let start = 0; start < behind.length; start += 200) {
        const own = await entries
          .aggregate<{ _id: string; count: number }>([
            {
              $match: {
                $or: behind
                  .slice(start, start + 200)
                  .map(({ logId, readSeq, seq }) => ({ logId, senderId: userId, seq: { $gt: readSeq, $lte: seq } })),
              },
            },
            { $group: { _id: '$logId', count: { $sum: 1 } } },
          ])
          .toArray()
        for (const { _id, count } of own) counts.set(_id, Math.max(0, (counts.get(_id) ?? 0) - count))
      }
      return counts
    },

    /** For messages of one log: who of its members has read each. */
    async seen(
      logId: string,
      messages: { seq: number; senderId: string }[],
    ): Promise<{ seenBy: string[]; seenCount: number }[]> {
      const lowest = Math.min(...messages.map((message) => message.seq))
      const readers = await memberships
        .find({ logId, active: true, readSeq: { $gte: lowest } }, { projection: { _id: 0, userId: 1, readSeq: 1 } })
        .sort({ readSeq: -1 })
        .limit(maxReaders)
        .toArray()
      return messages.map(({ seq, senderId }) => {
        const seen: string[] = []
        let seenCount = 0
        for (const reader of readers) {
          if (reader.readSeq < seq) break
          if (reader.userId === senderId) continue
          if (seenCount++ < maxSeenBy) seen.push(reader.userId)
        }
        return { seenBy: seen, seenCount }
      })
    },

    /** When a user's mark reached each of the seqs; null for those it has not. */
    async readAt(logId: string, userId: string): Promise<(seq: number) => Date | null> {
      const membership = await memberships.findOne({ logId, userId }, { projection: { marks: 1, readSeq: 1 } })
      const marks = membership?.marks ?? []
      return (seq) => {
        if (!membership || membership.readSeq < seq) return null
        // The first move that reached it; for those older than the kept moves, the oldest kept.
        return marks.find((mark) => mark.seq >= seq)?.at ?? null
      }
    },
  }
}

export type Marks = ReturnType<typeof createMarks>
