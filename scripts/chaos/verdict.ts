import type { LogId } from './history.ts'

/**
 * The anomalies. Each is a breach of the public contract, or of plain honesty:
 * - lost: acked with ok, but not in the final log (a message; or a message's edit, deletion, reaction or pin).
 * - unseen: in the final log, but never given to a client of a user who was a member when it was made and is one at
 *   the end, although it caught up; or not delivered live to a connected client in the quiet time at the end.
 * - twice: the same rev live twice on one connection, or twice in one sync answer; one clientId stored twice.
 * - gap: a live change, or a sync answer, that leaves out a rev which no later one of the same message superseded;
 *   or whose `prevRev` is above everything that this connection was given.
 * - reordered: a live change below an earlier one of its connection; a sync answer not ascending, or at or below the
 *   cursor that was asked from.
 * - invented: a message that nobody sent, or with a content that nobody gave it.
 * - afterRemoval: a change above the rev of one's removal, given before one can have been added again.
 * - seq: a hole or a double in the final numbers of messages, or a message whose number changed.
 * - ackMismatch: one clientId answered with two messages, with another message's content, with `conflict` though the
 *   content was the same, or with ok though it was another.
 * - diverged: two readers were given different things at one rev, or the instances' final logs differ.
 * - hang: an ack not called within the bound although the connection lived; an operation without an answer in the end.
 * - badAck: an error code outside the contract, or a refusal where none was due.
 * - internal: an `internal` error, a 500, or a process that ended by itself.
 */
export const KINDS = [
  'lost',
  'unseen',
  'twice',
  'gap',
  'reordered',
  'invented',
  'afterRemoval',
  'seq',
  'ackMismatch',
  'diverged',
  'hang',
  'badAck',
  'internal',
] as const
export type Kind = (typeof KINDS)[number]

interface Anomaly {
  kind: Kind
  log?: LogId
  rev?: number
  client?: string
  detail: string
}

export interface Verdict {
  counts: Record<Kind, number>
  total: number
  /** The first few of each kind. */
  examples: Anomaly[]
}

export type Report = (anomaly: Anomaly) => void

const MAX_EXAMPLES = 8

/** A verdict that counts everything reported to it and keeps the first few of each kind. */
export function createVerdict(): { verdict: Verdict; report: Report } {
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>
  const verdict: Verdict = { counts, total: 0, examples: [] }
  return {
    verdict,
    report(anomaly) {
      counts[anomaly.kind]++
      verdict.total++
      if (counts[anomaly.kind] <= MAX_EXAMPLES) verdict.examples.push(anomaly)
    },
  }
}
