import type { Attempt, History, LogId, Op } from './history.ts'
import type { LogView } from './log-view.ts'
import type { Report } from './verdict.ts'

/** The contract's error codes. */
const CODES = new Set([
  'unauthenticated',
  'forbidden',
  'not_found',
  'conflict',
  'gone',
  'too_large',
  'unsupported_media',
  'invalid',
  'rate_limited',
  'unavailable',
  'internal',
])

/** What a connection may be refused with while processes die: everything else says something false of the user. */
const HONEST_REFUSALS = new Set(['unavailable', 'rate_limited'])

/** Judges the answers: that each came, that it was due, and that repeats were answered alike. */
export function checkOps(history: History, views: Map<LogId, LogView>, hangMs: number, report: Report): void {
  const permanent = new Map(history.rooms.map((room) => [room.log, new Set(room.permanentIds)]))
  for (const op of history.ops) {
    const where = { log: op.log, client: op.attempts.at(-1)?.client }
    if (op.unanswered) report({ kind: 'hang', ...where, detail: `${op.kind} had no answer in the end` })
    // A send by someone who certainly is a member, or a repeat of it, can only be refused for lack of means.
    const certain = op.kind === 'send' && (permanent.get(op.log)?.has(op.userId) ?? op.log.startsWith('dm:'))
    if (history.stock && op.kind === 'sync') continue
    for (const attempt of op.attempts) checkAttempt(op, attempt, certain, history.endedAt, hangMs, report)
    if (op.kind === 'send') checkRepeats(op, views.get(op.log), report)
  }
  for (const notice of history.notices) {
    if (notice.kind === 'refused' && HONEST_REFUSALS.has(notice.code)) continue
    const kind = notice.kind === 'stuck' ? 'hang' : notice.code === 'internal' ? 'internal' : 'badAck'
    report({ kind, client: notice.client, detail: `${notice.kind}: ${notice.code}` })
  }
}

function checkAttempt(
  op: Op,
  attempt: Attempt,
  certain: boolean,
  endedAt: number,
  hangMs: number,
  report: Report,
): void {
  const where = { log: op.log, client: attempt.client }
  const { outcome, code } = attempt
  if (outcome === 'open' || outcome === 'closed') {
    const waited = (attempt.end ?? endedAt) - attempt.at
    if (waited > hangMs)
      report({ kind: 'hang', ...where, detail: `${op.kind} waited ${Math.round(waited)} ms in vain` })
    return
  }
  if (outcome === 'ok') {
    if (op.expectConflict)
      report({
        kind: 'ackMismatch',
        ...where,
        detail: `clientId ${op.clientId} with other content was answered ok (${attempt.id})`,
      })
    return
  }
  const detail = `${op.kind} was answered ${code}: ${attempt.message ?? ''}`
  if (!code || !CODES.has(code)) report({ kind: 'badAck', ...where, detail })
  else if (code === 'internal') report({ kind: 'internal', ...where, detail })
  else if (code === 'unauthenticated' || code === 'invalid') report({ kind: 'badAck', ...where, detail })
  else if (certain && !HONEST_REFUSALS.has(code) && !(code === 'conflict' && op.expectConflict))
    report({ kind: code === 'conflict' ? 'ackMismatch' : 'badAck', ...where, detail })
}

/** Every ok answer to one clientId is the same message, and that which was sent. */
function checkRepeats(op: Op, view: LogView | undefined, report: Report): void {
  if (op.expectConflict) return
  const oks = op.attempts.filter((attempt) => attempt.outcome === 'ok')
  const [first] = oks
  for (const attempt of oks) {
    const where = { log: op.log, client: attempt.client, rev: attempt.rev }
    if (!attempt.id || attempt.seq === undefined)
      report({ kind: 'ackMismatch', ...where, detail: `the ack of clientId ${op.clientId} names no id or seq` })
    else if (attempt.id !== first!.id || attempt.seq !== first!.seq)
      report({
        kind: 'ackMismatch',
        ...where,
        detail: `clientId ${op.clientId} was answered ${first!.id}/${first!.seq}, then ${attempt.id}/${attempt.seq}`,
      })
    if (attempt.clientId !== op.clientId)
      report({ kind: 'ackMismatch', ...where, detail: `clientId ${op.clientId} was answered ${attempt.clientId}` })
    const edits = attempt.id ? view?.edits.get(attempt.id) : undefined
    if (attempt.content !== op.content && attempt.content !== '' && !edits?.has(attempt.content ?? ''))
      report({ kind: 'ackMismatch', ...where, detail: `${op.content} was answered ${attempt.content}` })
  }
}
