import type { Body, Change, History, LogId, Op } from './history.ts'
import { type LogView, sendKey } from './log-view.ts'
import type { Report } from './verdict.ts'

/** Holds the final logs against each other and against what was acked. */
export function checkLogs(history: History, views: Map<LogId, LogView>, report: Report): void {
  for (const view of views.values()) {
    checkReadings(view, report)
    checkSeqs(view, report)
    checkStoredTwice(view, report)
    for (const op of view.ops) checkKept(view, op, report)
    checkSightings(history, view, report)
  }
}

const same = (a: Body, b: Body): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)

/** All readings of one log, on every instance and by both ways, must agree. */
function checkReadings(view: LogView, report: Report): void {
  const [first] = view.finals.filter((final) => final.source === 'sync')
  for (const final of view.finals) {
    const where = `${final.source} on ${final.instance}`
    const got = new Map(final.changes.map((change) => [change.rev, change.body]))
    const expected =
      final.source === 'sync'
        ? new Map(first!.changes.map((change) => [change.rev, change.body]))
        : new Map([...view.messages.values()].map((change) => [change.rev, change.body]))
    for (const [rev, body] of expected) {
      const other = got.get(rev)
      if (!other) report({ kind: 'diverged', log: view.log, rev, detail: `${where} lacks it` })
      else if (!same(body, other))
        report({ kind: 'diverged', log: view.log, rev, detail: `${where}: ${brief(other)} instead of ${brief(body)}` })
    }
    for (const rev of got.keys())
      if (!expected.has(rev)) report({ kind: 'diverged', log: view.log, rev, detail: `${where} has it, others do not` })
    if (final.source === 'sync') checkAscending(view.log, where, final.changes, report)
  }
}

function checkAscending(log: LogId, where: string, changes: Change[], report: Report): void {
  for (let i = 1; i < changes.length; i++) {
    const rev = changes[i]!.rev
    if (rev === changes[i - 1]!.rev) report({ kind: 'twice', log, rev, detail: `final ${where}` })
    if (rev < changes[i - 1]!.rev) report({ kind: 'reordered', log, rev, detail: `final ${where}` })
  }
}

/** The seqs of a final log are 1, 2, 3 … and each message has one of its own. */
function checkSeqs(view: LogView, report: Report): void {
  const seqs = [...view.messages.values()].map(({ body }) => body.seq ?? 0).sort((a, b) => a - b)
  let expected = 1
  for (const seq of seqs) {
    if (seq < expected) report({ kind: 'seq', log: view.log, detail: `two messages with seq ${seq}` })
    else {
      for (; expected < seq; expected++)
        report({ kind: 'seq', log: view.log, detail: `no message with seq ${expected}` })
      expected++
    }
  }
}

function checkStoredTwice(view: LogView, report: Report): void {
  const ids = new Map<string, string>()
  for (const [id, { rev, body }] of view.messages) {
    if (!body.clientId || !body.senderId) continue
    const key = sendKey(body.senderId, body.clientId)
    const other = ids.get(key)
    if (other)
      report({ kind: 'twice', log: view.log, rev, detail: `clientId ${body.clientId} is stored as ${other} and ${id}` })
    ids.set(key, id)
  }
}

/** What was acked must be in the final log. */
function checkKept(view: LogView, op: Op, report: Report): void {
  const acked = op.attempts.filter((attempt) => attempt.outcome === 'ok' && attempt.id)
  const [ack] = acked
  if (!ack?.id || op.expectConflict) return
  const final = view.messages.get(ack.id)
  const where = { log: view.log, rev: ack.rev, client: ack.client }
  if (op.kind === 'send') {
    if (!final) report({ kind: 'lost', ...where, detail: `message ${ack.id} (clientId ${op.clientId}) was acked` })
    else if (ack.seq !== final.body.seq)
      report({ kind: 'seq', ...where, detail: `message ${ack.id} was acked with seq ${ack.seq}, is ${final.body.seq}` })
    return
  }
  if (op.kind !== 'edit' && op.kind !== 'delete' && op.kind !== 'react' && op.kind !== 'pin') return
  const what = `${op.kind} of ${ack.id}`
  if (!final) {
    report({ kind: 'lost', ...where, detail: `${what} was acked, the message is gone` })
    return
  }
  if (ack.rev !== undefined && final.rev < ack.rev) {
    report({
      kind: 'lost',
      ...where,
      detail: `${what} was acked at rev ${ack.rev}, the final rev is ${final.rev}`,
    })
    return
  }
  const { body } = final
  if (op.kind === 'delete' && !body.deleted) report({ kind: 'lost', ...where, detail: `${what} was acked` })
  if (body.deleted) return
  if (op.kind === 'react' && op.on && !body.reactions?.includes(`${op.emoji}/${op.userId}`)) {
    // Another attempt, acked or not, may have taken it back since.
    const undone = view.ops.some(
      (other) =>
        other.kind === 'react' &&
        !other.on &&
        other.messageId === op.messageId &&
        other.userId === op.userId &&
        other.emoji === op.emoji,
    )
    if (!undone) report({ kind: 'lost', ...where, detail: `${what} with ${op.emoji} by ${op.userId} was acked` })
  }
  if (op.kind === 'edit' && op.content !== body.content && !mayOverride(view, op, ack.rev ?? 0, body.content))
    report({ kind: 'lost', ...where, detail: `${what} was acked, the content is ${JSON.stringify(body.content)}` })
  if (op.kind === 'pin' && op.on !== body.pinned && !mayOverride(view, op, ack.rev ?? 0, body.pinned))
    report({ kind: 'lost', ...where, detail: `${what} was acked, pinned is ${body.pinned}` })
}

/** Whether another operation of the same kind, with the final value, may have come after this ack's rev. */
function mayOverride(view: LogView, op: Op, rev: number, value: string | boolean | undefined): boolean {
  return view.ops.some((other) => {
    if (other === op || other.kind !== op.kind || other.messageId !== op.messageId) return false
    if ((op.kind === 'edit' ? other.content : other.on) !== value) return false
    // Only an operation whose every attempt is known to have had an earlier rev cannot have.
    return other.attempts.some((attempt) => attempt.outcome !== 'error' && (attempt.rev ?? Infinity) >= rev)
  })
}

/** One rev is one thing to everybody; a message keeps its seq; nobody sees what nobody sent. */
function checkSightings(history: History, view: LogView, report: Report): void {
  const checked = new Set<Body>()
  const seqs = new Map<string, number>()
  const first = new Map<number, Body>(view.truth)
  const see = (rev: number, body: Body, client: string): void => {
    const before = first.get(rev)
    if (!before) first.set(rev, body)
    else if (!same(before, body))
      report({ kind: 'diverged', log: view.log, rev, client, detail: `${brief(body)}, others had ${brief(before)}` })
    if (checked.has(body)) return
    checked.add(body)
    if (body.kind !== 'message') return
    const seq = seqs.get(body.id)
    if (seq === undefined) seqs.set(body.id, body.seq ?? 0)
    else if (seq !== body.seq)
      report({ kind: 'seq', log: view.log, rev, client, detail: `${body.id} had seq ${seq}, has ${body.seq}` })
    const fault = findInvention(view, body)
    if (fault) report({ kind: 'invented', log: view.log, rev, client, detail: fault })
  }
  for (const [rev, body] of view.truth) see(rev, body, 'final log')
  for (const trace of history.traces) {
    if (trace.log !== view.log) continue
    for (const entry of trace.entries) {
      if (entry.type === 'live') see(entry.rev, entry.body, trace.client)
      else if (entry.type === 'sync') for (const change of entry.changes) see(change.rev, change.body, trace.client)
    }
  }
}

function findInvention(view: LogView, body: Body): string | null {
  if (body.system) return null
  const op = view.sends.get(sendKey(body.senderId ?? '', body.clientId ?? ''))
  if (!op) return `nobody sent ${brief(body)}`
  const allowed =
    body.content === op.content || view.edits.get(body.id)?.has(body.content ?? '') || (body.deleted && !body.content)
  return allowed ? null : `${body.id} was never given the content ${JSON.stringify(body.content)}`
}

const brief = (body: Body): string => JSON.stringify(body).slice(0, 300)
