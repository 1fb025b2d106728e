import { ChatMessage } from '../../../models/ChatMessage.ts'
import { SearchCursor } from '../../../models/SearchCursor.ts'
import { SearchEntry } from '../../../models/SearchEntry.ts'
import type { Database } from '../../infra/mongo.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/ports.ts'
import type { Log } from '../../log/log.ts'
import type { LogRecord } from '../../log/types.ts'
import { duplicatesOf } from '../shared/duplicates.ts'
import { logRecords } from '../shared/records.ts'

const batchSize = 500
/** A log is indexed once it has rested for this long … */
const restMs = 3_000
/** … or, where it never rests, once it has waited for this long. */
const waitMs = 30_000
/** Logs that this instance remembers to index; those beyond are indexed when somebody searches them. */
const maxDirty = 10_000
/** A search waits at most this long for messages that are not indexed yet. */
const patienceMs = 8_000
const maxWords = 20

/**
 * Finds messages by their words. The index lies apart from the log and is built from it when a log rests, or at once
 * when somebody searches it: so sending costs nothing for it, and a search still finds what was sent just before.
 */
export function createSearch({ database, log, logger }: { database: Database; log: Log; logger: Logger }) {
  const index = database.collection(SearchEntry)
  const cursors = database.collection(SearchCursor)
  const records = logRecords(database)
  const dirty = new Map<string, { first: number; last: number }>()
  let working = false

  /** Indexes a log's messages past its cursor, until `head` or the end of patience; resolves with how far it came. */
  async function catchUp(logId: string, from: number, head: number, until: number): Promise<number> {
    let rev = from
    while (rev < head && Date.now() < until) {
      const page = await records
        .find({ logId, rev: { $gt: rev } }, { projection: { rev: 1, firstRev: 1, kind: 1, content: 1 } })
        .sort({ rev: 1 })
        .limit(batchSize)
        .toArray()
      if (page.length === 0) break
      const messages = page.filter((record) => record.kind === ChatMessage.spec.kind)
      if (messages.length > 0) await store(logId, rev, messages)
      rev = page.at(-1)!.rev
      await cursors.updateOne({ _id: logId }, { $max: { rev } }, { upsert: true })
    }
    return rev
  }

  async function store(logId: string, cursor: number, messages: LogRecord[]) {
    const operations = messages.map((record) => {
      const content = String(record['content'] ?? '')
      const entry = { _id: record._id, logId, rev: record.rev, content }
      if (record.firstRev > cursor) return { insertOne: { document: entry } }
      return {
        updateOne: {
          filter: { _id: record._id, rev: { $lt: record.rev } },
          update: { $set: { logId, rev: record.rev, content } },
          upsert: true,
        },
      }
    })
    // Another instance may index the same log: what is there already is as new or newer, and it goes on from its cursor.
    await index.bulkWrite(operations as never, { ordered: false }).catch(duplicatesOf)
  }

  async function work() {
    if (working) return
    working = true
    try {
      const now = Date.now()
      for (const [logId, { first, last }] of [...dirty]) {
        if (now - last < restMs && now - first < waitMs) continue
        dirty.delete(logId)
        const cursor = await cursors.findOne({ _id: logId })
        await log.using(logId, (live) => catchUp(logId, cursor?.rev ?? 0, live.rev, Date.now() + patienceMs))
      }
    } catch (error) {
      logger.warn({ err: error }, 'could not index messages; the next search will')
    } finally {
      working = false
    }
  }
  const timer = setInterval(() => void work(), 1_000)
  timer.unref()

  return {
    /** Remembers that a log has something new. */
    touch(logId: string) {
      const now = Date.now()
      const known = dirty.get(logId)
      if (known) known.last = now
      else if (dirty.size < maxDirty) dirty.set(logId, { first: now, last: now })
    },
    /**
     * Ids of messages of the given logs that hold all the words, best matches first. Throws `unavailable` where too
     * much is not indexed yet to be done in time.
     */
    async find(logs: { logId: string; rev: number }[], query: string, limit: number): Promise<string[]> {
      const words = query.replaceAll('"', ' ').split(/\s+/).filter(Boolean).slice(0, maxWords)
      if (words.length === 0 || logs.length === 0) return []
      const logIds = logs.map((each) => each.logId)
      const known = new Map(
        (await cursors.find({ _id: { $in: logIds } }).toArray()).map((cursor) => [cursor._id, cursor.rev]),
      )
      const until = Date.now() + patienceMs
      for (const { logId, rev } of logs) {
        const from = known.get(logId) ?? 0
        if (from < rev && (await catchUp(logId, from, rev, until)) < rev) {
          throw new AppError('unavailable', 'Messages are still being indexed; try again', { retryAfterMs: 2_000 })
        }
      }
      const found = await index
        .find(
          { $text: { $search: words.map((word) => `"${word}"`).join(' ') }, logId: { $in: logIds } },
          { projection: { _id: 1, score: { $meta: 'textScore' } }, maxTimeMS: 5_000 },
        )
        .sort({ score: { $meta: 'textScore' }, _id: -1 })
        .limit(limit)
        .toArray()
      return found.map((entry) => entry._id)
    },
    close() {
      clearInterval(timer)
    },
  }
}

export type Search = ReturnType<typeof createSearch>
