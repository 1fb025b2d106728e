import type { Body, Change, FinalLog, History, LogId, Op } from './history.ts'

/** What is known of one log when the run is over. */
export interface LogView {
  log: LogId
  /** The final log by rev: only revs that no later one of the same message superseded. */
  truth: Map<number, Body>
  /** The keys of `truth`, ascending. */
  revs: number[]
  head: number
  /** Final state by message id. */
  messages: Map<string, Change>
  /** Every rev that anyone saw, or was told in an ack, with its message and when it was first known. */
  known: Map<number, { id: string; at: number }>
  /** Earliest possible birth of a rev: when the first attempt of the operation acked with it set out. */
  bornAfter: Map<number, number>
  finals: FinalLog[]
  sends: Map<string, Op>
  /** messageId → contents that someone tried to give it. */
  edits: Map<string, Set<string>>
  ops: Op[]
  /** Whether the user was a member when this rev was made (its own removal counts). */
  isMember(userId: string, rev: number): boolean
  /** Rev from which the user, not a member at `rev`, was one again; null: never. */
  memberAgain(userId: string, rev: number): number | null
}

export const sendKey = (userId: string, clientId: string): string => `${userId} ${clientId}`

/** Collects, for each log of the run, what its operations, sightings and final readings say. */
export function viewLogs(history: History): Map<LogId, LogView> {
  const names = new Set<LogId>([...history.ops.map((op) => op.log), ...history.finals.map((final) => final.log)])
  const views = new Map<LogId, LogView>()
  const grouped = {
    ops: group(history.ops),
    finals: group(history.finals),
    traces: group(history.traces),
  }
  for (const log of names) {
    if (!log.startsWith('room:') && !log.startsWith('dm:')) continue
    const finals = grouped.finals.get(log) ?? []
    const ops = grouped.ops.get(log) ?? []
    const readings = finals.some((final) => final.source === 'sync')
      ? finals.filter((final) => final.source === 'sync')
      : finals
    const truth = new Map<number, Body>()
    for (const final of readings)
      for (const change of final.changes) if (!truth.has(change.rev)) truth.set(change.rev, change.body)

    const known = new Map<number, { id: string; at: number }>()
    const memberChanges = new Map<number, Body>()
    const learn = (rev: number, body: Body | string, at: number): void => {
      const id = typeof body === 'string' ? body : body.id
      const before = known.get(rev)
      if (!before || before.at > at) known.set(rev, { id, at })
      if (typeof body !== 'string' && body.kind === 'member') memberChanges.set(rev, body)
    }
    for (const [rev, body] of truth) learn(rev, body, Infinity)
    for (const trace of grouped.traces.get(log) ?? [])
      for (const entry of trace.entries) {
        if (entry.type === 'live') learn(entry.rev, entry.body, entry.at)
        else if (entry.type === 'sync') for (const change of entry.changes) learn(change.rev, change.body, entry.at)
      }

    const bornAfter = new Map<number, number>()
    const sends = new Map<string, Op>()
    const edits = new Map<string, Set<string>>()
    for (const op of ops) {
      if (op.kind === 'send' && op.clientId && !op.expectConflict) sends.set(sendKey(op.userId, op.clientId), op)
      if (op.kind === 'edit' && op.messageId) {
        const contents = edits.get(op.messageId) ?? new Set()
        edits.set(op.messageId, contents.add(op.content ?? ''))
      }
      for (const attempt of op.attempts) {
        if (attempt.outcome !== 'ok' || attempt.rev === undefined || !attempt.id) continue
        learn(attempt.rev, attempt.id, attempt.end ?? Infinity)
        const start = op.attempts[0]?.at ?? attempt.at
        bornAfter.set(attempt.rev, Math.min(bornAfter.get(attempt.rev) ?? Infinity, start))
      }
    }

    const messages = new Map<string, Change>()
    for (const [rev, body] of truth)
      if (body.kind === 'message' && (messages.get(body.id)?.rev ?? 0) < rev) messages.set(body.id, { rev, body })

    const room = history.rooms.find((candidate) => candidate.log === log)
    const revs = [...truth.keys()].sort((a, b) => a - b)
    const membership = readMembership(memberChanges, room?.initialIds ?? [])
    const everyone = !log.startsWith('room:')
    views.set(log, {
      log,
      truth,
      revs,
      head: revs.at(-1) ?? 0,
      messages,
      known,
      bornAfter,
      finals,
      sends,
      edits,
      ops,
      isMember: (userId, rev) => everyone || membership.isMember(userId, rev),
      memberAgain: (userId, rev) => (everyone ? rev : membership.memberAgain(userId, rev)),
    })
  }
  return views
}

function group<T extends { log: LogId }>(items: T[]): Map<LogId, T[]> {
  const groups = new Map<LogId, T[]>()
  for (const item of items) {
    const list = groups.get(item.log)
    if (list) list.push(item)
    else groups.set(item.log, [item])
  }
  return groups
}

/** Membership over revs: in from the rev of joining on, out after the rev of the removal. */
function readMembership(changes: Map<number, Body>, initialIds: string[]) {
  const spans = new Map<string, { from: number; to: number }[]>()
  for (const userId of initialIds) spans.set(userId, [{ from: 0, to: Infinity }])
  for (const [rev, body] of [...changes].sort((a, b) => a[0] - b[0])) {
    const list = spans.get(body.id) ?? []
    spans.set(body.id, list)
    const last = list.at(-1)
    const inside = last !== undefined && last.to === Infinity
    if (body.change === 'joined' && !inside) list.push({ from: rev, to: Infinity })
    if ((body.change === 'left' || body.change === 'removed') && inside) last.to = rev
  }
  return {
    isMember: (userId: string, rev: number): boolean =>
      (spans.get(userId) ?? []).some((span) => span.from <= rev && rev <= span.to),
    memberAgain: (userId: string, rev: number): number | null =>
      (spans.get(userId) ?? []).find((span) => span.from > rev)?.from ?? null,
  }
}
