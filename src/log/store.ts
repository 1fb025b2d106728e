import type { mongo } from 'mongoose'
import { LogEntry } from '../../models/LogEntry.ts'
import { toAppError } from '../kernel/errors.ts'
import type { Head, LogRecord, LogStore, WriteOutcome, WriteStep } from './types.ts'

type Session = mongo.ClientSession

/** The little of the database that the log uses. */
export interface LogDatabase {
  collection(entity: typeof LogEntry): mongo.Collection<any>
  find(
    entity: typeof LogEntry,
    filter: object,
    options: { limit: number; sort?: Record<string, 1 | -1>; projection?: Record<string, 0 | 1> },
  ): Promise<any[]>
  write(command: mongo.BSON.Document): Promise<mongo.BSON.Document>
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>
}

/** How long the revs that an entry has left stay taken, in milliseconds; no writer may lag behind a log for longer. */
export const slotMs = 60_000

/** How long a write may wait to be majority-committed, in milliseconds. */
const writeMs = 8_000

/** Bookkeeping that readers of a log need not see. */
const projection = { slots: 0, freed: 0, changeId: 0 } as const

/**
 * A log store on MongoDB; relies on the unique indexes `slots` and `clientId` of LogEntry.
 *
 * A change moves its entry to a new rev. Were the old one free again at once, an instance that lags behind could write
 * there, below the head, where nobody looks any more. So `slots` keeps the left revs taken until nobody can lag so far.
 */
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
      database.find(LogEntry, { logId, rev: { $gt: rev } }, { projection, sort: { rev: 1 }, limit }),
    byIds: (ids) => entries.find({ _id: { $in: ids } }, { projection }).toArray(),
    byClientId: (logId, senderId, clientId) => entries.findOne({ logId, senderId, clientId }, { projection }),
    byClientIds: (keys) => entries.find({ $or: keys.map((key) => ({ ...key })) }, { projection }).toArray(),

    async write(steps) {
      if (steps.every((step) => step.type === 'insert')) return insert(steps.map((step) => toStored(step.record)))
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
      let ours = true
      try {
        await database.transaction(async (session) => {
          ours = true
          if (records.length > 0) await entries.insertMany(records.map(toStored) as any[], { session, ordered: true })
          ours = false
          await within(session)
        })
        return { done: records.length, stale: [] }
      } catch (error) {
        const outcome = refusal(error)
        if (!outcome) throw error
        // A duplicate in what goes along says nothing of revs, whatever its index is called.
        return ours ? { ...outcome, done: 0 } : { done: 0, stale: [], stopped: 'id', cause: error }
      }
    },
  }

  /**
   * Inserts in order by one bare command: the driver's bulk API encodes each entry twice, to know its size. It is not
   * retried by the driver either; the writer does that, for it knows its entries by their ids.
   */
  async function insert(documents: object[]): Promise<WriteOutcome> {
    const answer = await database.write({
      insert: LogEntry.spec.collection,
      documents,
      ordered: true,
      writeConcern: { w: 'majority', j: true, wtimeout: writeMs },
    })
    // Steps before a refused one are durable, or it would have been thrown.
    const [first] = (answer['writeErrors'] ?? []) as { index: number; code: number; errmsg: string }[]
    if (!first) return { done: documents.length, stale: [] }
    const error = Object.assign(new Error(first.errmsg), { code: first.code, writeErrors: [first] })
    const outcome = refusal(error)
    if (!outcome) throw error
    return outcome
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

/** The record itself, with its rev as the slot that it takes: a copy of each would cost more than the rest of a write. */
const toStored = (record: LogRecord) => {
  record['slots'] = [record.rev]
  return record
}

function toBulk(step: WriteStep): mongo.AnyBulkWriteOperation<LogRecord> {
  if (step.type === 'insert') return { insertOne: { document: toStored(step.record) as any } }
  return {
    updateOne: {
      filter: { _id: step.id, rev: step.fromRev },
      update: moving(step),
    },
  }
}

/** Sets fields and moves an entry to its new rev, leaving the old one taken; by the clock of the database. */
function moving(step: WriteStep & { type: 'replace' }): mongo.BSON.Document[] {
  const set: Record<string, unknown> = {}
  // Values are no expressions, whatever they look like.
  for (const [field, value] of Object.entries({ ...step.set, changeId: step.changeId })) {
    if (value !== undefined) set[field] = { $literal: value }
  }
  const isRecent = { $gt: ['$$slot.at', { $subtract: ['$$NOW', slotMs] }] }
  const freed = {
    $concatArrays: [
      { $filter: { input: { $ifNull: ['$freed', []] }, as: 'slot', cond: isRecent } },
      [{ rev: '$rev', at: '$$NOW' }],
    ],
  }
  return [
    { $set: { freed } },
    { $set: { slots: { $concatArrays: ['$freed.rev', [{ $literal: step.record.rev }]] } } },
    { $set: set },
  ]
}

/** Reads why a step was refused; null where the failure says nothing of what was stored. */
function refusal(error: unknown): WriteOutcome | null {
  const failure = error as {
    code?: number
    message?: string
    writeErrors?: OneOrMore<{ index: number; code: number; errmsg?: string }>
    result?: { getWriteConcernError?(): unknown }
  }
  const first = Array.isArray(failure.writeErrors) ? failure.writeErrors[0] : failure.writeErrors
  // Steps before the refused one count only when they are known to be durable.
  if (failure.result?.getWriteConcernError?.()) return null
  const code = first?.code ?? failure.code
  if (code !== 11000) {
    // A step that the database will never take, such as one too large, must not hold up the others.
    const lasting = first && toAppError(Object.assign(new Error(first.errmsg), { code })).code === 'internal'
    return lasting ? { done: first.index, stale: [], stopped: 'invalid', cause: error } : null
  }
  const text = first?.errmsg ?? failure.message ?? ''
  const index = /index: (\S+) dup key/.exec(text)?.[1]
  const stopped = index === 'slots' ? 'rev' : index === 'clientId' ? 'clientId' : 'id'
  return { done: first?.index ?? 0, stale: [], stopped }
}

type OneOrMore<T> = T | readonly T[]
