import type { Entry, History, LogId, Op, RoomRecord, Trace } from './history.ts'
import type { LogView } from './log-view.ts'
import type { Report } from './verdict.ts'

type Live = Extract<Entry, { type: 'live' }>
type Sync = Extract<Entry, { type: 'sync' }>

/** Walks through what each client was given, as a client that trusts nobody would. */
export function checkTraces(history: History, views: Map<LogId, LogView>, report: Report): void {
  for (const trace of history.traces) {
    const view = views.get(trace.log)
    if (!view) continue
    const given = walkTrace(trace, view, report)
    const room = history.rooms.find((candidate) => candidate.log === trace.log)
    checkRemoval(trace, view, room, report)
    // Unseen: of a user who is a member at the end, everything that was made while it was a member.
    if (view.isMember(trace.userId, view.head))
      for (const rev of view.revs)
        if (!given.has(rev) && view.isMember(trace.userId, rev))
          report({ kind: 'unseen', log: trace.log, rev, client: trace.client, detail: 'never given to this client' })
    if (history.quietAt !== null) checkQuiet(trace, view, history.quietAt, report)
  }
}

/**
 * A line is what one connection is given of one log, from connecting (or joining the room) on. Its live changes count
 * from the client's first finished `log:sync` in it; those that came before are held back and judged then, as a client
 * does. Returns the revs given in all lines together.
 */
function walkTrace(trace: Trace, view: LogView, report: Report): Set<number> {
  const { log, client } = trace
  const given = new Set<number>()
  let conn = -1
  let cursor = 0
  let line = createLine(0, 0)
  for (const entry of trace.entries) {
    if (entry.conn !== conn) {
      conn = entry.conn
      line = createLine(entry.at, 0)
    }
    switch (entry.type) {
      case 'open':
        line.floor = Math.max(line.floor, entry.rev ?? 0)
        line.startedAt = entry.at
        break
      case 'joined':
      case 'left':
        line = createLine(entry.at, entry.type === 'joined' ? (entry.rev ?? 0) : 0, line.seen)
        break
      case 'live':
        if (line.seen.has(entry.rev))
          report({ kind: 'twice', log, rev: entry.rev, client, detail: `live, connection ${conn}` })
        else if (entry.rev < line.last)
          report({
            kind: 'reordered',
            log,
            rev: entry.rev,
            client,
            detail: `live after ${line.last}, connection ${conn}`,
          })
        else if (line.last > 0) judge(entry, line.last)
        else if (line.synced) judge(entry, Math.max(line.floor, cursor))
        else line.held = entry
        line.seen.add(entry.rev)
        line.last = Math.max(line.last, entry.rev)
        given.add(entry.rev)
        break
      case 'sync':
        checkSync(trace, view, entry, given, report)
        cursor = Math.max(cursor, entry.rev)
        for (const change of entry.changes) given.add(change.rev)
        if (!entry.more) finishSync(entry.startedAt)
        break
      case 'refused':
        // A server without log:sync: its live changes are all that there is.
        if (entry.code === 'invalid') finishSync(entry.startedAt)
        break
    }
  }
  return given

  function finishSync(startedAt: number): void {
    if (line.synced || startedAt < line.startedAt) return
    line.synced = true
    if (line.held) judge(line.held, Math.max(line.floor, cursor))
    line.held = null
  }

  /** `entry` follows `base`, the highest rev that this line gave before it. */
  function judge(entry: Live, base: number): void {
    // Without prevRev a client has to take every missing number for a loss.
    const prev = entry.prevRev ?? entry.rev - 1
    const fault = findLoss(entry, base) ?? (prev > base ? `its prevRev is ${prev}` : null)
    if (fault)
      report({ kind: 'gap', log, rev: entry.rev, client, detail: `after ${base}, connection ${conn}: ${fault}` })
  }

  function findLoss(entry: Live, base: number): string | null {
    for (let rev = base + 1; rev < entry.rev; rev++) {
      if (given.has(rev) || !view.isMember(trace.userId, rev)) continue
      if (view.truth.has(rev)) return `rev ${rev} was left out`
      // Superseded in the end; but was it by then? Not, if all that supersedes it set out later.
      const id = view.known.get(rev)?.id
      const final = id === undefined ? undefined : view.messages.get(id)
      if (!id || !final || (view.bornAfter.get(final.rev) ?? -Infinity) <= entry.at || hasUnknownChange(view, id))
        continue
      const byThen = [...view.bornAfter].some(
        ([later, born]) => later > rev && born <= entry.at && view.known.get(later)?.id === id,
      )
      if (!byThen) return `rev ${rev} was left out before anything superseded it`
    }
    return null
  }
}

function createLine(startedAt: number, floor: number, seen = new Set<number>()) {
  return { startedAt, floor, seen, last: 0, synced: false, held: null as Live | null }
}

/** Whether a change of this message was tried whose rev nobody knows. */
function hasUnknownChange(view: LogView, id: string): boolean {
  return view.ops.some(
    (op) =>
      op.messageId === id && op.attempts.some((attempt) => attempt.outcome === 'open' || attempt.outcome === 'closed'),
  )
}

/** A sync answer ascends, begins above its cursor, and leaves out only what is superseded. */
function checkSync(trace: Trace, view: LogView, entry: Sync, given: Set<number>, report: Report): void {
  const where = { log: trace.log, client: trace.client }
  const detail = `log:sync from ${entry.from} to ${entry.rev}`
  let last = entry.from
  const inside = new Set<number>()
  for (const { rev } of entry.changes) {
    if (inside.has(rev)) report({ kind: 'twice', ...where, rev, detail })
    else if (rev <= last) report({ kind: 'reordered', ...where, rev, detail })
    inside.add(rev)
    last = Math.max(last, rev)
  }
  const start = lowerBound(view.revs, entry.from + 1)
  for (let i = start; i < view.revs.length && view.revs[i]! <= entry.rev; i++) {
    const rev = view.revs[i]!
    if (!inside.has(rev) && !given.has(rev) && view.isMember(trace.userId, rev))
      report({ kind: 'gap', ...where, rev, detail: `left out by ${detail}` })
  }
}

function lowerBound(sorted: number[], value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

/** A change made while the user was no member may be given only once it can have been added again. */
function checkRemoval(trace: Trace, view: LogView, room: RoomRecord | undefined, report: Report): void {
  if (!room) return
  const earliest = new Map<number, number>()
  const check = (rev: number, at: number): void => {
    if (view.isMember(trace.userId, rev)) return
    const again = view.memberAgain(trace.userId, rev)
    if (again !== null) {
      let bound = earliest.get(again)
      if (bound === undefined) {
        bound = earliestAddition(view.ops, trace.userId, view.known.get(again)?.at ?? Infinity)
        earliest.set(again, bound)
      }
      if (at >= bound) return
    }
    const detail = again === null ? 'no member since before it' : `no member until ${again}`
    report({ kind: 'afterRemoval', log: trace.log, rev, client: trace.client, detail })
  }
  for (const entry of trace.entries) {
    if (entry.type === 'live') check(entry.rev, entry.at)
    else if (entry.type === 'sync') for (const change of entry.changes) check(change.rev, entry.at)
  }
}

/**
 * When the addition that was first known at `knownAt` can have happened at the earliest: when the first addition after
 * the last removal before it set out; or, if there are older ones whose attempts were never answered and may have taken
 * effect late, the first of those. Without such an addition nothing is held against anyone.
 */
function earliestAddition(ops: Op[], userId: string, knownAt: number): number {
  let removedAt = -Infinity
  for (const op of ops) {
    if ((op.kind !== 'remove' && op.kind !== 'leave') || op.targetId !== userId) continue
    const start = op.attempts[0]?.at ?? Infinity
    const done = op.attempts.some((attempt) => attempt.outcome === 'ok' && (attempt.end ?? Infinity) <= knownAt)
    if (done) removedAt = Math.max(removedAt, start)
  }
  let bound = Infinity
  for (const op of ops) {
    if ((op.kind !== 'invite' && op.kind !== 'join') || op.targetId !== userId) continue
    for (const attempt of op.attempts)
      if (
        attempt.at <= knownAt &&
        (attempt.at >= removedAt || attempt.outcome === 'open' || attempt.outcome === 'closed')
      )
        bound = Math.min(bound, attempt.at)
  }
  return bound === Infinity ? -Infinity : bound
}

/** In the quiet time a connected client must be given everything live, without asking. */
function checkQuiet(trace: Trace, view: LogView, quietAt: number, report: Report): void {
  if (!view.isMember(trace.userId, view.head)) return
  const opened = trace.entries.findLast((entry) => entry.type === 'open' || entry.type === 'joined')
  const closed = trace.entries.findLast((entry) => entry.type === 'close')
  if (!opened || (closed && closed.conn >= opened.conn)) return
  const live = new Set<number>()
  for (const entry of trace.entries) if (entry.type === 'live' && entry.conn === opened.conn) live.add(entry.rev)
  for (const op of view.ops) {
    const [attempt] = op.attempts
    if (op.kind !== 'send' || !attempt || attempt.at < quietAt || attempt.at < opened.at) continue
    const ack = op.attempts.find((candidate) => candidate.outcome === 'ok')
    if (ack?.rev !== undefined && !live.has(ack.rev))
      report({
        kind: 'unseen',
        log: trace.log,
        rev: ack.rev,
        client: trace.client,
        detail: 'not delivered live, with no fault about',
      })
  }
}
