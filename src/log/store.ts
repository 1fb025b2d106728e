import type { mongo } from 'mongoose'
import { LogEntry } from '../../models/LogEntry.ts'
import type { Head, LogRecord, LogStore, WriteOutcome, WriteStep } from './types.ts'

type Session = mongo.ClientSession

/** The little of the database that the log uses. */
export interface LogDatabase {
  collection(entity: typeof LogEntry): mongo.Collection<any>
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>
}

/** A log store on MongoDB; relies on the unique indexes `rev` and `clientId` of LogEntry. */
export function createLogStore(database: LogDatabase): LogStore<Session> {
  const entries = database.collection(LogEntry) as unknown as mongo.Collection<LogRecord>

  return {
    async heads(logIds) {
      const heads = new Map<string, Head>()
      for (let start = 0; start < logIds.length; start += 1_000) {
        // $sort and $group with $first on an index of the same order: one seek a log (DISTINCT_SCAN), no scan.
        const found = await entries
          .aggregate<{ _id: string; rev: number; seq: number }>([
            { $match: { logId: { $in: logIds.slice(start, start + 1_000) } } },
            { $sort: { logId: 1, rev: -1 } },
            { $group: { _id: '$logId', rev: { $first: '$rev' }, seq: { $first: '$logSeq' } } },
          ])
          .toArray()
        for (const head of found) heads.set(head._id, { rev: head.rev, seq: head.seq })
      }
      return heads
    },
    after: (logId, rev, limit) =>
      entries
        .find({ logId, rev: { $gt: rev } })
        .sort({ rev: 1 })
        .limit(limit)
        .toArray(),
    byIds: (ids) => entries.find({ _id: { $in: ids } }).toArray(),
    byClientId: (logId, senderId, clientId) => entries.findOne({ logId, senderId, clientId }),

    async write(steps) {
      try {
        const result = await entries.bulkWrite(steps.map(toBulk), { ordered: true })
        return { done: steps.length, stale: await findStale(steps, result.matchedCount) }
      } catch (error) {
        const outcome = refusal(error)
        if (!outcome) throw error
        return { ...outcome, stale: await findStale(steps.slice(0, outcome.done), -1) }
      }
    },

    async writeTogether(records, within) {
      try {
        await database.transaction(async (session) => {
          await entries.insertMany(records as any[], { session, ordered: true })
          await within(session)
        })
        return { done: records.length, stale: [] }
      } catch (error) {
        const outcome = refusal(error)
        if (outcome) return { ...outcome, done: 0 }
        throw error
      }
    },
  }

  /**
   * Which replaces found no entry at the rev they were made for: MongoDB does not call that an error. One that was
   * changed again right after counts as stale too; transforms are idempotent, so trying again does no harm.
   */
  async function findStale(steps: WriteStep[], matched: number): Promise<number[]> {
    const replaces = steps.flatMap((step, index) => (step.type === 'replace' ? [{ step, index }] : []))
    if (replaces.length === matched || replaces.length === 0) return []
    const found = await entries
      .find({ _id: { $in: replaces.map(({ step }) => step.id) } }, { projection: { changeId: 1 } })
      .toArray()
    const changes = new Map(found.map((entry) => [entry._id, entry['changeId']]))
    return replaces.filter(({ step }) => changes.get(step.id) !== step.changeId).map(({ index }) => index)
  }
}

function toBulk(step: WriteStep): mongo.AnyBulkWriteOperation<LogRecord> {
  if (step.type === 'insert') return { insertOne: { document: step.record as any } }
  return {
    updateOne: {
      filter: { _id: step.id, rev: step.fromRev },
      update: { $set: { ...step.set, changeId: step.changeId } },
    },
  }
}

/** Reads a duplicate key error; null where the failure says nothing of what was stored. */
function refusal(error: unknown): WriteOutcome | null {
  const failure = error as {
    code?: number
    message?: string
    writeErrors?: { index: number; code: number; errmsg?: string }[]
    result?: { getWriteConcernError?(): unknown }
  }
  const first = Array.isArray(failure.writeErrors) ? failure.writeErrors[0] : failure.writeErrors
  const code = first?.code ?? failure.code
  if (code !== 11000) return null
  // Steps before the refused one count only when they are known to be durable.
  if (failure.result?.getWriteConcernError?.()) return null
  const text = first?.errmsg ?? failure.message ?? ''
  const index = /index: (\S+) dup key/.exec(text)?.[1]
  const stopped = index === 'rev' ? 'rev' : index === 'clientId' ? 'clientId' : 'id'
  return { done: first?.index ?? 0, stale: [], stopped }
}
