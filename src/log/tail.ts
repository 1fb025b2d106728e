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
  filling: Promise<void> | null
  /** A write is under way whose revs are not known to be taken yet. */
  writing: boolean
  /** Time before which this instance leaves the log to the others; see the writer. */
  pausedUntil: number
  /** When an entry of another instance was last seen. */
  foreignAt: number
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
}

/** Larger packets are not passed between instances; they read the entry instead. */
const maxPacket = 64 * 1024

/**
 * Keeps the open logs of this instance in step with the database, and delivers each entry once, in rev order.
 * Commits of this instance and hints of others are the same to it: the next rev is delivered, an older one dropped,
 * and a later one makes it read what lies between.
 */
export function createTail(deps: TailDeps) {
  const { store, fillSize = 500, idleMs = 60_000, maxOpen = 100_000 } = deps
  const open = new Map<string, Live>()
  const opening = new Map<string, { promise: Promise<void>; target: number }>()
  const stats = { delivered: 0, filled: 0, fills: 0 }

  /** Opens logs and holds them; each must be released once. */
  async function acquire(logIds: string[]): Promise<Live[]> {
    const missing = logIds.filter((logId) => !open.has(logId) && !opening.has(logId))
    if (missing.length > 0) startOpening(missing)
    const waits = new Set(logIds.flatMap((logId) => opening.get(logId)?.promise ?? []))
    for (const wait of waits) await wait
    return logIds.map((logId) => {
      const live = open.get(logId)
      // Between the opening and here only eviction could have closed it, and that spares fresh ones.
      if (!live) throw new Error(`log ${logId} did not open`)
      live.holds++
      live.usedAt = Date.now()
      return live
    })
  }

  function startOpening(logIds: string[]) {
    const load = async () => {
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
          filling: null,
          writing: false,
          pausedUntil: 0,
          foreignAt: 0,
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
    deps.tell(live.logId, record.rev, record.logSeq, control ? '' : packet)
  }

  /** Tells the other instances that an entry is there to be read. */
  function hint(record: LogRecord) {
    deps.tell(record.logId, record.rev, record.logSeq, '')
  }

  /** Takes a hint of another instance. */
  function heard(logId: string, rev: number, seq: number, packet: string) {
    const live = open.get(logId)
    if (!live) {
      const pending = opening.get(logId)
      if (pending) pending.target = Math.max(pending.target, rev)
      else if (deps.kindOf(logId).wanted(logId)) {
        void startOpening([logId])
          .then(() => reach(logId, rev))
          .catch((error) => deps.log.warn({ err: error, logId }, 'could not open a log'))
      }
      return
    }
    live.foreignAt = Date.now()
    if (rev <= live.rev) return
    live.target = Math.max(live.target, rev)
    if (live.filling) return
    if (rev === live.rev + 1 && packet) {
      live.rev = rev
      live.seq = seq
      stats.delivered++
      live.kind.deliver(logId, packet)
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

  function apply(live: Live, record: LogRecord, context: unknown, since: number): string {
    const previous = live.rev
    const rendered: Rendered = live.kind.render(record, since, context)
    const packet = deps.encode(rendered.event, { ...rendered.payload, rev: record.rev, prevRev: previous })
    live.rev = record.rev
    live.seq = record.logSeq
    live.kind.apply(live.state, record)
    stats.delivered++
    live.kind.deliver(live.logId, packet)
    live.kind.settle(live, record)
    deps.onApplied(record)
    return packet
  }

  /** Reads and delivers what lies between `rev` and `target`; one at a time for a log. */
  function fill(live: Live): Promise<void> {
    live.filling ??= readOn(live)
      .catch((error) => deps.log.warn({ err: error, logId: live.logId }, 'could not read a log on'))
      .finally(() => {
        live.filling = null
        deps.onIdle(live)
      })
    return live.filling
  }

  async function readOn(live: Live) {
    stats.fills++
    let misses = 0
    while (true) {
      const records = await store.after(live.logId, live.rev, fillSize)
      const contexts = records.length > 0 ? await live.kind.prepare(records) : []
      const since = live.rev
      records.forEach((record, index) => {
        if (record.rev <= live.rev) return
        stats.filled++
        apply(live, record, contexts[index], since)
      })
      if (records.length === fillSize) continue
      if (live.rev >= live.target) return
      // Heard of, but not majority-committed yet: it comes within milliseconds, or never did.
      if (records.length === 0 && ++misses > 20) {
        live.target = live.rev
        return
      }
      await new Promise((done) => setTimeout(done, Math.min(2 ** misses, 50)))
    }
  }

  /** Compares all open logs with the database, and reads on where something was missed. Throws when it is away. */
  async function compare() {
    const ids = [...open.keys()]
    for (let start = 0; start < ids.length; start += 1_000) {
      const heads = await store.heads(ids.slice(start, start + 1_000))
      for (const [logId, head] of heads) reach(logId, head.rev)
    }
  }

  /** Closes logs that nothing has needed for a while. */
  function evict(now = Date.now()) {
    const over = open.size - maxOpen
    let closed = 0
    for (const [logId, live] of open) {
      if (live.holds > 0 || live.filling || live.writing) continue
      if (now - live.usedAt > idleMs || closed < over) {
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

export type Tail = ReturnType<typeof createTail>
