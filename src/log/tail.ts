import { AppError, toAppError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/ports.ts'
import type { Head, LogKind, LogRecord, LogStore, Rendered } from './types.ts'

/** An open log on this instance. All entries up to `rev` are applied and delivered here, none after it. */
export interface Live {
  logId: string
  kind: LogKind
  rev: number
  seq: number
  state: any
  /** How many sockets, writes and the like need it open. */
  holds: number
  usedAt: number
  /** The highest rev heard of; above `rev` there is something to read. */
  target: number
  /** When `rev` was last known to be the head. A writer that lags too long could miss a rev that was left. */
  checkedAt: number
  filling: Promise<void> | null
  /** Time before which reading it is not tried again. */
  unreadableUntil: number
  /** A write is under way whose revs are not known to be taken yet. */
  writing: boolean
  /** Time before which this instance leaves the log to the others; see the writer. */
  pausedUntil: number
  /** When an entry of another instance was last seen. */
  foreignAt: number
  /** When another instance last said that it could not get in. */
  wishedAt: number
}

export interface TailDeps {
  store: LogStore
  kindOf(logId: string): LogKind
  encode(event: string, payload: object): string
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
  const open = new Map<string, Live>()
  const opening = new Map<string, { promise: Promise<void>; target: number }>()
  const stats = { delivered: 0, filled: 0, fills: 0, faults: 0 }
  const reads = createGate(maxReads)

  /** Opens logs and holds them; each must be released once. */
  async function acquire(logIds: string[]): Promise<Live[]> {
    // Somebody else's opening can fail over another log, and what is open unheld can be evicted: look again.
    for (let attempt = 0; attempt < 5; attempt++) {
      const missing = logIds.filter((logId) => !open.has(logId) && !opening.has(logId))
      const own = missing.length > 0 ? startOpening([...new Set(missing)]) : null
      const others = new Set(logIds.flatMap((logId) => opening.get(logId)?.promise ?? []))
      if (own) others.delete(own)
      await Promise.allSettled(others)
      await own
      const lives = logIds.map((logId) => open.get(logId))
      if (lives.every((live) => live !== undefined)) return lives.map(hold)
    }
    throw new AppError('unavailable', 'Too much is open at once; try again', { retryAfterMs: 1000 })
  }

  function hold(live: Live): Live {
    live.holds++
    live.usedAt = Date.now()
    return live
  }

  function startOpening(logIds: string[]): Promise<void> {
    const load = async () => {
      const startedAt = Date.now()
      const byKind = new Map<LogKind, string[]>()
      for (const logId of logIds) {
        const kind = deps.kindOf(logId)
        const same = byKind.get(kind)
        if (same) same.push(logId)
        else byKind.set(kind, [logId])
      }
      // Heads first: a state may be newer than the head that it is put to, never older.
      const heads = await store.heads(logIds)
      const states = new Map<string, unknown>()
      for (const [kind, ids] of byKind) for (const [id, state] of await kind.open(ids)) states.set(id, state)
      for (const logId of logIds) {
        const head: Head = heads.get(logId) ?? { rev: 0, seq: 0 }
        const target = Math.max(opening.get(logId)?.target ?? 0, head.rev)
        const kind = deps.kindOf(logId)
        // Sockets that wait for a log which is not open here were told of all that there were: it is new to them.
        const from = kind.wanted(logId) ? { rev: 0, seq: 0 } : head
        const live: Live = {
          logId,
          kind,
          rev: from.rev,
          seq: from.seq,
          state: states.get(logId),
          holds: 0,
          usedAt: Date.now(),
          target,
          checkedAt: startedAt,
          filling: null,
          unreadableUntil: 0,
          writing: false,
          pausedUntil: 0,
          foreignAt: 0,
          wishedAt: 0,
        }
        open.set(logId, live)
        if (target > live.rev) void fill(live)
      }
    }
    const promise = load().finally(() => {
      for (const logId of logIds) opening.delete(logId)
    })
    for (const logId of logIds) opening.set(logId, { promise, target: 0 })
    // Whoever waits gets the failure; the map's own copy must not count as unhandled.
    promise.catch(() => {})
    return promise
  }

  function release(live: Live) {
    live.holds--
    live.usedAt = Date.now()
  }

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
    const live = open.get(logId)
    if (!live) {
      const pending = opening.get(logId)
      if (pending) pending.target = Math.max(pending.target, rev)
      else if (deps.kindOf(logId).wanted(logId)) {
        startOpening([logId])
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
    const live = open.get(logId)
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
        return withPrevious(deps.encode(rendered.event, rendered.payload), previous)
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
    const ids = [...open.keys()]
    for (let start = 0; start < ids.length; start += 1_000) {
      const some = ids.slice(start, start + 1_000)
      const startedAt = Date.now()
      const heads = await store.heads(some)
      for (const logId of some) {
        const live = open.get(logId)
        if (!live) continue
        const rev = heads.get(logId)?.rev ?? 0
        if (rev <= live.rev) live.checkedAt = Math.max(live.checkedAt, startedAt)
        else reach(logId, rev)
      }
    }
  }

  /** Closes logs that nothing has needed for a while. */
  function evict(now = Date.now()) {
    const over = open.size - maxOpen
    let closed = 0
    for (const [logId, live] of open) {
      if (live.holds > 0 || live.filling || live.writing) continue
      const idle = now - live.usedAt > idleMs
      // One that a hint has opened serves sockets without being held.
      if (idle && closed >= over && attempt(live, 'wanted', () => live.kind.wanted(logId))) live.usedAt = now
      else if (idle || closed < over) {
        open.delete(logId)
        closed++
      }
    }
    return closed
  }

  return {
    acquire,
    release,
    committed,
    heard,
    reach,
    hint,
    wish,
    fill,
    compare,
    evict,
    stats,
    get: (logId: string) => open.get(logId),
    get size() {
      return open.size
    },
  }
}

/** Adds `prevRev` to an encoded event; copying the payload for it would cost more than encoding it. */
const withPrevious = (packet: string, rev: number) => `${packet.slice(0, -2)},"prevRev":${rev}}]`

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
