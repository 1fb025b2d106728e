import { toAppError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/ports.ts'
import { createOpenLogs, type Live } from './open-logs.ts'
import type { LogKind, LogRecord, LogStore, Rendered } from './types.ts'

export interface TailDeps {
  store: LogStore
  kindOf(logId: string): LogKind
  /** The event as it travels, with `prevRev` added to the payload. */
  encode(event: string, payload: object, prevRev: number): string
  /** Tells the other instances of a delivered entry; an empty packet makes them read it. */
  tell(logId: string, rev: number, seq: number, packet: string): void
  /** Called for each entry as it is applied, whoever wrote it. */
  onApplied(record: LogRecord): void
  /** Called when a log can be written to again. */
  onIdle(live: Live): void
  log: Logger
  fillSize?: number
  idleMs?: number
  maxOpen?: number
  /** The most reads of fills under way at once. */
  maxReads?: number
}

/** How soon a fill that failed is tried again, in milliseconds. */
const retryMs = 250

/** Larger packets are not passed between instances; they read the entry instead. */
const maxPacket = 64 * 1024

/**
 * Keeps the open logs of this instance in step with the database, and delivers each entry once, in rev order.
 * Commits of this instance and hints of others are the same to it: the next rev is delivered, an older one dropped,
 * and a later one makes it read what lies between.
 */
export function createTail(deps: TailDeps) {
  const { store, fillSize = 500, idleMs = 60_000, maxOpen = 100_000, maxReads = 16 } = deps
  const stats = { delivered: 0, filled: 0, fills: 0, faults: 0 }
  const reads = createGate(maxReads)
  const logs = createOpenLogs({
    store,
    kindOf: deps.kindOf,
    fill: (live) => void fill(live),
    wanted: (live) => attempt(live, 'wanted', () => live.kind.wanted(live.logId)) ?? false,
    idleMs,
    maxOpen,
  })

  /** Takes an entry that this instance has just committed. */
  function committed(live: Live, record: LogRecord, context: unknown) {
    if (live.filling || record.rev !== live.rev + 1) {
      hint(record)
      reach(live.logId, record.rev)
      return
    }
    live.target = Math.max(live.target, record.rev)
    const packet = apply(live, record, context, live.rev)
    const control = live.kind.isControl(record) || packet.length > maxPacket
    tell(record, control ? '' : packet)
  }

  /** Tells the other instances that an entry is there to be read. */
  function hint(record: LogRecord) {
    tell(record, '')
  }

  /** Asks whoever has taken a rev to leave room: to them it is a hint of nothing new. */
  function wish(live: Live, rev: number) {
    attempt({ logId: live.logId, rev }, 'tell', () => deps.tell(live.logId, rev, live.seq, ''))
  }

  function tell(record: LogRecord, packet: string) {
    // Without the hint the others find the entry when they compare.
    attempt(record, 'tell', () => deps.tell(record.logId, record.rev, record.logSeq, packet))
  }

  /** Takes a hint of another instance. */
  function heard(logId: string, rev: number, seq: number, packet: string) {
    const live = logs.get(logId)
    if (!live) {
      if (logs.raise(logId, rev)) return
      if (deps.kindOf(logId).wanted(logId)) {
        logs
          .open([logId])
          .then(() => reach(logId, rev))
          .catch((error) => deps.log.warn({ err: error, logId }, 'could not open a log'))
      }
      return
    }
    live.foreignAt = Date.now()
    if (rev <= live.rev) {
      if (!packet) live.wishedAt = live.foreignAt
      return
    }
    // Somebody got in: our turn.
    live.wishedAt = 0
    live.pausedUntil = 0
    live.target = Math.max(live.target, rev)
    if (live.filling) return
    if (rev === live.rev + 1 && packet) {
      live.rev = rev
      live.seq = seq
      stats.delivered++
      attempt({ logId, rev }, 'deliver', () => live.kind.deliver(logId, packet))
      deps.onIdle(live)
    } else void fill(live)
  }

  /** Makes sure that a log is delivered up to a rev that was heard of. */
  function reach(logId: string, rev: number) {
    const live = logs.get(logId)
    if (!live || rev <= live.rev) return
    live.target = Math.max(live.target, rev)
    void fill(live)
  }

  /**
   * Each of a kind's parts may fail for an entry without holding up the entries after it: what was not delivered shows
   * in the next one's `prevRev`.
   */
  function apply(live: Live, record: LogRecord, context: unknown, since: number): string {
    const { kind } = live
    const previous = live.rev
    const packet =
      attempt(record, 'render', () => {
        const rendered: Rendered = kind.render(record, since, context)
        return deps.encode(rendered.event, rendered.payload, previous)
      }) ?? ''
    live.rev = record.rev
    live.seq = record.logSeq
    attempt(record, 'apply', () => kind.apply(live.state, record))
    if (packet) {
      stats.delivered++
      attempt(record, 'deliver', () => kind.deliver(live.logId, packet))
    }
    attempt(record, 'settle', () => kind.settle(live, record))
    deps.onApplied(record)
    return packet
  }

  function attempt<T>({ logId, rev }: { logId: string; rev: number }, part: string, work: () => T): T | undefined {
    try {
      return work()
    } catch (error) {
      stats.faults++
      deps.log.error({ err: error, logId, rev, part }, 'an entry of a log could not be handled')
      return undefined
    }
  }

  /** Reads and delivers what lies between `rev` and `target`; one at a time for a log. */
  function fill(live: Live): Promise<void> {
    if (live.filling) return live.filling
    if (Date.now() < live.unreadableUntil) return Promise.resolve()
    live.filling = readOn(live)
      .catch((error) => {
        deps.log.warn({ err: error, logId: live.logId }, 'could not read a log on')
        live.unreadableUntil = Date.now() + retryMs
        setTimeout(() => live.target > live.rev && void fill(live), retryMs + 1).unref()
      })
      .then(() => {
        live.filling = null
        // Heard of after the last look.
        if (live.target > live.rev) void fill(live)
        deps.onIdle(live)
      })
    return live.filling
  }

  async function readOn(live: Live): Promise<void> {
    stats.fills++
    let misses = 0
    while (true) {
      const startedAt = Date.now()
      const { records, contexts } = await reads(async () => {
        const records = await store.after(live.logId, live.rev, fillSize)
        return { records, contexts: await prepare(live, records) }
      })
      const since = live.rev
      records.forEach((record, index) => {
        if (record.rev <= live.rev) return
        stats.filled++
        apply(live, record, contexts[index], since)
      })
      if (records.length === fillSize) continue
      live.checkedAt = startedAt
      if (live.rev >= live.target) return
      // Heard of, but not majority-committed yet: it comes within milliseconds, or never did.
      if (records.length > 0) misses = 0
      else if (++misses > 20) {
        live.target = live.rev
        return
      }
      await new Promise((done) => setTimeout(done, Math.min(2 ** misses, 50)))
    }
  }

  async function prepare(live: Live, records: LogRecord[]): Promise<unknown[]> {
    if (records.length === 0) return []
    try {
      return await live.kind.prepare(records)
    } catch (error) {
      const cause = toAppError(error)
      if (cause.code === 'unavailable') throw cause
      stats.faults++
      deps.log.error({ err: error, logId: live.logId }, 'entries of a log could not be prepared')
      return []
    }
  }

  /** Compares all open logs with the database, and reads on where something was missed. Throws when it is away. */
  async function compare() {
    const ids = logs.ids()
    for (let start = 0; start < ids.length; start += 1_000) {
      const some = ids.slice(start, start + 1_000)
      const startedAt = Date.now()
      const heads = await store.heads(some)
      for (const logId of some) {
        const live = logs.get(logId)
        if (!live) continue
        const rev = heads.get(logId)?.rev ?? 0
        if (rev <= live.rev) live.checkedAt = Math.max(live.checkedAt, startedAt)
        else reach(logId, rev)
      }
    }
  }

  return {
    acquire: logs.acquire,
    release: logs.release,
    committed,
    heard,
    reach,
    hint,
    wish,
    fill,
    compare,
    evict: logs.evict,
    stats,
    get: logs.get,
    get size() {
      return logs.size
    },
  }
}

export type Tail = ReturnType<typeof createTail>

/** Lets `limit` pieces of work run at once; the others wait in order. */
function createGate(limit: number) {
  const waiting: (() => void)[] = []
  let running = 0
  return async function pass<T>(work: () => Promise<T>): Promise<T> {
    if (running < limit) running++
    else await new Promise<void>((enter) => waiting.push(enter))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
