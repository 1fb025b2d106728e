import { BOARD_KINDS, type BoardVerdict } from './boards/checker.ts'
import type { Fault, FaultKind } from './faults.ts'
import { FAULT_KINDS } from './faults.ts'
import type { Options } from './options.ts'
import { KINDS, type Verdict } from './verdict.ts'

export interface Outcome {
  at: string
  options: Options
  schedule: number
  seconds: number
  /** SIGKILLs of instances, Redis and MongoDB. */
  kills: number
  faults: Record<FaultKind, number>
  skipped: number
  failures: string[]
  acked: number
  events: number
  operations: number
  unacked: number
  verdict: Verdict
  /** Edits made at boards, and how often another client got one; null for an app without boards. */
  boards: { edits: number; seen: number; verdict: BoardVerdict } | null
  /** What there was too little of. */
  tooLittle: string[]
}

/** How many of the faults were kills of processes. */
export const countKills = (faults: Record<FaultKind, number>): number =>
  faults['kill instance'] + faults['kill redis'] + faults['kill mongod']

/** A run below these, per minute, shows nothing. A free machine of two cores makes 2,000 and more acked messages. */
const MIN_KILLS = 20
const MIN_ACKED = 1200
const MIN_EVENTS = 10_000

const MIN_EDITS = 200
const MIN_SEEN = 400

/** The same for boards: edits, and how often other clients got them. */
export function findTooFewEdits(seconds: number, edits: number, seen: number): string[] {
  const found: string[] = []
  const require = (what: string, value: number, perMinute: number): void => {
    const least = Math.floor((perMinute * seconds) / 60)
    if (value <= least) found.push(`${value} ${what}, more than ${least} are due`)
  }
  require('edits at boards', edits, MIN_EDITS)
  require('edits seen by others', seen, MIN_SEEN)
  return found
}

/** Names what a run of this length did too little of; a shorter run has to do its share. */
export function findTooLittle(
  seconds: number,
  kills: number,
  acked: number,
  events: number,
  faults: Record<FaultKind, number>,
): string[] {
  const minutes = seconds / 60
  const found: string[] = []
  const require = (what: string, value: number, perMinute: number): void => {
    const least = Math.floor(perMinute * minutes)
    if (value <= least) found.push(`${value} ${what}, more than ${least} are due`)
  }
  require('kills', kills, MIN_KILLS)
  require('acked messages', acked, MIN_ACKED)
  require('events seen', events, MIN_EVENTS)
  for (const kind of FAULT_KINDS) if (faults[kind] === 0) found.push(`not once: ${kind}`)
  return found
}

/** The final table, for people. */
export function formatOutcome(outcome: Outcome): string {
  const { verdict } = outcome
  const row = (name: string, value: number | string): string => `  ${name.padEnd(28)}${String(value).padStart(10)}`
  const lines = [
    '',
    `Seed ${outcome.options.seed}, ${Math.round(outcome.seconds)} s of faults, ${outcome.options.instances} instances${outcome.options.naive ? ' of the naive app' : ''}`,
    ...FAULT_KINDS.map((kind) => row(kind, outcome.faults[kind])),
    row('kills of processes', outcome.kills),
    row('faults without a target', outcome.skipped),
    row('operations', outcome.operations),
    row('acked messages', outcome.acked),
    row('sends never acked', outcome.unacked),
    row('live events seen', outcome.events),
    '',
    'Anomalies',
    ...KINDS.map((kind) => row(kind, verdict.counts[kind])),
    row('total', verdict.total),
  ]
  for (const { kind, log, rev, client, detail } of verdict.examples) {
    const where = [log, rev === undefined ? null : `rev ${rev}`, client].filter(Boolean).join(', ')
    lines.push(`  ${kind}: ${where}: ${detail}`)
  }
  if (outcome.boards) {
    const { edits, seen, verdict: found } = outcome.boards
    lines.push('', row('edits at boards', edits), row('edits seen by others', seen), '', 'Anomalies of boards')
    for (const kind of BOARD_KINDS) lines.push(row(kind, found.counts[kind]))
    lines.push(row('total', found.total), ...found.examples.map(({ kind, detail }) => `  ${kind}: ${detail}`))
  }
  for (const failure of outcome.failures) lines.push(`Did not come back: ${failure}`)
  for (const what of outcome.tooLittle) lines.push(`Too little happened: ${what}`)
  return lines.join('\n')
}

/** What the schedule holds, in a line. */
export const formatSchedule = (schedule: Fault[]): string =>
  FAULT_KINDS.map((kind) => `${schedule.filter((fault) => fault.kind === kind).length} × ${kind}`).join(', ')
