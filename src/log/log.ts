import { AppError } from '../kernel/errors.ts'
import type { Bus, Logger } from '../kernel/ports.ts'
import type { Live } from './open-logs.ts'
import { createTail } from './tail.ts'
import type { Draft, LiveView, LogKind, LogRecord, LogStore, Rendered, Within } from './types.ts'
import { type ChangeOptions, createWriter, type Guard } from './writer.ts'

export interface LogDeps {
  store: LogStore<any>
  bus: Bus
  kindOf(logId: string): LogKind
  /** The event as it travels, with `prevRev` added to the payload. */
  encode(event: string, payload: object, prevRev: number): string
  log: Logger
  /** How often heads are compared, in milliseconds; bounds how long a lost last hint stays unnoticed. */
  compareMs?: number
  patienceMs?: number
}

/** Fields of a hint on the bus are parted by the ASCII unit separator, which JSON text never holds. */
const separator = '\u001f'

/** The most changes, and characters of content, that one `log:sync` answers with over all its logs. */
const syncBudget = { changes: 1_000, characters: 1_000_000 }

export interface SyncAnswer {
  changes: Rendered[]
  rev: number
  more: boolean
}

/**
 * The ordered, durable log under rooms and direct messages. Appends are acked once they are majority-committed and
 * journalled; every instance delivers each log's entries in rev order, each once, none missing. What the bus carries
 * are hints; the truth is in the store.
 */
export function createLog(deps: LogDeps) {
  const { bus, store } = deps
  const tail = createTail({
    store,
    kindOf: deps.kindOf,
    encode: deps.encode,
    log: deps.log,
    tell: (logId, rev, seq, packet) => bus.publish('log', [logId, rev, seq, packet].join(separator)),
    onApplied: (record) => writer.onApplied(record),
    onIdle: () => writer.kick(),
  })
  const writer = createWriter({
    store,
    tail: () => tail,
    log: deps.log,
    patienceMs: deps.patienceMs,
    isDeaf: () => bus.state === 'down',
  })

  let closed = false
  bus.subscribe('log', (message) => {
    const first = message.indexOf(separator)
    const second = message.indexOf(separator, first + 1)
    const third = message.indexOf(separator, second + 1)
    if (third < 0) return
    const rev = Number(message.slice(first + 1, second))
    const seq = Number(message.slice(second + 1, third))
    if (closed || first < 1 || !Number.isSafeInteger(rev) || rev < 1 || !Number.isSafeInteger(seq) || seq < 0) return
    try {
      tail.heard(message.slice(0, first), rev, seq, message.slice(third + 1))
    } catch (error) {
      deps.log.warn({ err: error }, 'a hint of another instance was not understood')
    }
  })
  bus.onReconnect(() => void compare())

  let comparing: Promise<void> | null = null
  function compare(): Promise<void> {
    comparing ??= tail
      .compare()
      .catch((error) => deps.log.warn({ err: error }, 'could not compare the logs with the database'))
      .finally(() => {
        comparing = null
      })
    return comparing
  }
  const timers = [
    setInterval(() => void compare(), deps.compareMs ?? 3_000),
    setInterval(() => writer.expire(), 1_000),
    setInterval(() => tail.evict(), 10_000),
  ]
  for (const timer of timers) timer.unref()

  async function hold(logId: string): Promise<Live> {
    const live = tail.get(logId)
    if (live) {
      live.holds++
      return live
    }
    const [opened] = await tail.acquire([logId])
    return opened!
  }

  return {
    /** Opens logs, positioned at their heads, until released. */
    acquire: (logIds: string[]): Promise<LiveView[]> => tail.acquire(logIds),
    /** Holds a log that is open already; to be released once more. */
    retain(live: LiveView) {
      ;(live as Live).holds++
    },
    release(live: LiveView) {
      tail.release(live as Live)
    },
    /** An open log, or undefined. */
    get: (logId: string): LiveView | undefined => tail.get(logId),
    /** Makes sure that a log held here is delivered up to a rev heard of elsewhere. */
    reach: tail.reach,
    /** Opens a log for a moment. */
    async using<T>(logId: string, look: (live: LiveView) => T | Promise<T>): Promise<T> {
      const live = await hold(logId)
      try {
        return await look(live)
      } finally {
        tail.release(live)
      }
    },
    /**
     * Appends an entry; resolves once it is durable. A repeat of a clientId resolves with the stored entry.
     * Throws `conflict` where the clientId is taken by other content, `unavailable` where it can't be stored in time.
     */
    async append(logId: string, draft: Draft, guard?: Guard): Promise<LogRecord> {
      return writer.submit(await hold(logId), { type: 'append', draft }, guard)
    },
    /** Changes an entry; the change takes a rev. Resolves with the entry as it is then, or was already. */
    async change(logId: string, options: ChangeOptions): Promise<LogRecord> {
      return writer.submit(await hold(logId), { type: 'change', ...options }, options.guard)
    },
    /** Appends entries together with other writes, all or nothing, in a transaction. */
    async appendWith<Session>(
      logId: string,
      drafts: Draft[] | ((live: LiveView) => Draft[]),
      within: Within<Session>,
      guard?: Guard,
    ): Promise<LogRecord[]> {
      return writer.submit(await hold(logId), { type: 'together', drafts, within }, guard)
    },
    /**
     * What changed in logs after the given revs, in rev order, as the events that tell of it. Within one call the
     * answer is bounded; `more` says where to ask again.
     */
    async sync(logs: { logId: string; rev: number }[], limit: number): Promise<SyncAnswer[]> {
      let { changes: left, characters } = syncBudget
      const answers: SyncAnswer[] = []
      for (const { logId, rev } of logs) {
        const open = tail.get(logId)
        if (open && open.rev === rev) {
          answers.push({ changes: [], rev, more: false })
          continue
        }
        const take = Math.min(limit, left)
        if (take <= 0 || characters <= 0) {
          answers.push({ changes: [], rev, more: true })
          continue
        }
        const records = await store.after(logId, rev, take)
        const kind = deps.kindOf(logId)
        const contexts = records.length > 0 ? await kind.prepare(records) : []
        const changes: Rendered[] = []
        let at = rev
        let given = rev
        let read = 0
        for (const [index, record] of records.entries()) {
          if (characters <= 0) break
          read++
          characters -= 500 + String(record['content'] ?? '').length
          try {
            const { event, payload } = kind.render(record, rev, contexts[index])
            changes.push({ event, payload: { ...payload, rev: record.rev, prevRev: given } })
            given = record.rev
          } catch (error) {
            // One entry that can't be shown must not keep a client from all that came after it.
            deps.log.error({ err: error, logId, rev: record.rev }, 'an entry of a log could not be handled')
          }
          at = record.rev
        }
        left -= read
        answers.push({ changes, rev: at, more: records.length === take || read < records.length })
      }
      return answers
    },
    compare,
    stats: () => ({ ...tail.stats, ...writer.stats(), open: tail.size, waiting: writer.waiting }),
    /** Takes no more work after what is queued is done, or `ms` have passed. */
    async close(ms = 5_000) {
      await writer.drain(ms)
      closed = true
      for (const timer of timers) clearInterval(timer)
      // A look under way would fail on a database that is closed next.
      await comparing
      const left = writer.abandon()
      if (left > 0) throw new AppError('unavailable', `${left} entries were not stored in time`)
    },
  }
}

export type Log = ReturnType<typeof createLog>
