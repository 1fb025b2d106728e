import { AppError } from '../kernel/errors.ts'
import type { Head, LogKind, LogStore } from './types.ts'

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

export interface OpenLogsDeps {
  store: Pick<LogStore, 'heads'>
  kindOf(logId: string): LogKind
  /** Reads a log on that has just been opened. */
  fill(live: Live): void
  /** Whether sockets wait for a log; must not throw. */
  wanted(live: Live): boolean
  idleMs: number
  maxOpen: number
}

/** The logs that are open on this instance: opened together, held by whoever needs them, and closed when idle. */
export function createOpenLogs({ store, kindOf, fill, wanted, idleMs, maxOpen }: OpenLogsDeps) {
  const open = new Map<string, Live>()
  const opening = new Map<string, { promise: Promise<void>; target: number }>()

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
        const kind = kindOf(logId)
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
        const kind = kindOf(logId)
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
        if (target > live.rev) fill(live)
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

  /** What an opening under way is to read up to; false where there is none. */
  function raise(logId: string, rev: number): boolean {
    const pending = opening.get(logId)
    if (pending) pending.target = Math.max(pending.target, rev)
    return pending !== undefined
  }

  /** Closes logs that nothing has needed for a while. */
  function evict(now = Date.now()) {
    const over = open.size - maxOpen
    let closed = 0
    for (const [logId, live] of open) {
      if (live.holds > 0 || live.filling || live.writing) continue
      const idle = now - live.usedAt > idleMs
      // One that a hint has opened serves sockets without being held.
      if (idle && closed >= over && wanted(live)) live.usedAt = now
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
    raise,
    evict,
    /** Opens logs that nobody holds; for those that sockets wait for. */
    open: startOpening,
    get: (logId: string) => open.get(logId),
    ids: () => [...open.keys()],
    get size() {
      return open.size
    },
  }
}
