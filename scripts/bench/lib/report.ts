import type { Series } from './bench.ts'
import type { Goal } from './goals.ts'
import type { AcksFigures, DeliveriesFigures, ReconnectFigures } from './jobs.ts'
import { median, spread } from './stats.ts'

const NOTES: Record<string, string> = {
  acks: 'Each sender has one message of about 120 characters outstanding and is alone in its room; `shared` has them all in one room.',
  stock: 'The same closed loop through the raw load client and through stock socket.io-client.',
  deliveries:
    'Saturated with 64 messages under way; then paced. Ours and bare-mongoose store each message, bare-broadcast stores nothing.',
  instances: 'Two server processes with half of the members each, one redis-server.',
  memory:
    'Resident bytes added by idle connections, after a collection; each user has ten connections and is in three rooms.',
  reconnect:
    'All back at once, after their connections were cut (2 s away) or after SIGKILL of the server; ten writers go on all the while. A server without `log:sync` counts as synced when ready.',
}

export interface Report {
  date: string
  seconds: number
  machine: Record<string, string | number | null>
  options: Record<string, unknown>
  series: (Series & { median: Record<string, number>; spread: Record<string, number> })[]
  goals: Goal[]
  failures: unknown[]
}

/** Medians and spreads of every figure of a series, by dotted path. */
export function summarise(series: Series): Report['series'][number] {
  const flat = series.rounds.map((round) => flatten(round as unknown as Record<string, unknown>))
  const keys = Object.keys(flat[0] ?? {})
  const by = (reduce: (values: number[]) => number) =>
    Object.fromEntries(keys.map((key) => [key, reduce(flat.map((figures) => figures[key]!))]))
  return { ...series, median: by(median), spread: by(spread) }
}

function flatten(value: Record<string, unknown>, prefix = ''): Record<string, number> {
  const flat: Record<string, number> = {}
  for (const [key, item] of Object.entries(value)) {
    if (typeof item === 'number') flat[prefix + key] = item
    else if (typeof item === 'boolean') flat[prefix + key] = Number(item)
    else if (item && typeof item === 'object') Object.assign(flat, flatten(item as any, `${prefix}${key}.`))
  }
  return flat
}

/** The report as Markdown: goals first, then a table a measure. */
export function toMarkdown(report: Report): string {
  const { machine } = report
  const lines = [
    `Measured on ${report.date.slice(0, 10)}: ${machine.cores} cores (${machine.model}), ${machine.memoryGiB} GiB, Node ${machine.node}, mongod ${machine.mongod}, redis-server ${machine.redis}; servers, load client and stores share them. Medians of ${report.options.rounds} interleaved rounds; ± is half of (max - min) / median.`,
    '',
  ]
  if (report.goals.length) {
    lines.push('| goal | bound | measured | |', '|---|---|---|---|')
    for (const goal of report.goals) {
      lines.push(
        `| ${goal.what} | ${goal.sense} ${goal.bound} | ${number(goal.value)} | ${goal.met ? 'met' : '**short**'} |`,
      )
    }
    lines.push('')
  }
  for (const measure of new Set(report.series.map((series) => series.measure))) {
    const series = report.series.filter((one) => one.measure === measure)
    lines.push(`### ${measure}`, '', NOTES[measure] ?? '', '', ...table(measure, series), '')
  }
  for (const failure of report.failures) lines.push(`Failed: ${JSON.stringify(failure)}`)
  return lines.join('\n').trimEnd()
}

function table(measure: string, series: Report['series']): string[] {
  const columns = COLUMNS[measure]!
  return [
    `| case | contender | ${columns.map(([title]) => title).join(' | ')} |`,
    `|---|---|${columns.map(() => '---:').join('|')}|`,
    ...series.map((one) => `| ${one.case} | ${one.contender} | ${columns.map(([, show]) => show(one)).join(' | ')} |`),
  ]
}

type Column = [string, (series: Report['series'][number]) => string]
const value =
  (key: string, scale = 1) =>
  (series: Report['series'][number]) =>
    number((series.median[key] ?? Number.NaN) * scale)
const wide = (key: string) => (series: Report['series'][number]) =>
  `${number(series.median[key]!)} ±${Math.round((series.spread[key]! * 100) / 2)} %${series.rounds.some((round) => saturatedClient(round)) ? ' ≥' : ''}`

/** `≥`: in some round the load client was busier than the server, so the server could have done more. */
function saturatedClient(round: unknown): boolean {
  return Boolean((round as AcksFigures).clientSaturated || (round as DeliveriesFigures).saturated?.clientSaturated)
}

const ACKS: Column[] = [
  ['acks/s', wide('perSecond')],
  ['p50 ms', value('p50')],
  ['p99 ms', value('p99')],
  ['server CPU µs each', value('cpuMicrosPerAck')],
  ['server CPU %', value('serverCpu')],
  ['stores CPU %', value('storeCpu')],
  ['client CPU %', value('clientCpu')],
  ['others CPU %', value('othersCpu')],
]
const DELIVERIES: Column[] = [
  ['deliveries/s', wide('saturated.perSecond')],
  ['CPU µs each', value('saturated.cpuMicrosPerDelivery')],
  ['server CPU %', value('saturated.serverCpu')],
  ['client CPU %', value('saturated.clientCpu')],
  ['others CPU %', value('saturated.othersCpu')],
  ['bytes each', value('saturated.bytesPerDelivery')],
  ['paced/s', value('paced.perSecond')],
  ['CPU µs each, paced', value('paced.cpuMicrosPerDelivery')],
  ['p50 ms', value('paced.p50')],
  ['p99 ms', value('paced.p99')],
]
const COLUMNS: Record<string, Column[]> = {
  acks: ACKS,
  stock: ACKS,
  deliveries: DELIVERIES,
  instances: DELIVERIES,
  memory: [
    ['KiB a connection', value('bytesPerConnection', 1 / 1024)],
    ['before a collection', value('bytesPerConnectionUncollected', 1 / 1024)],
    ['connected in s', value('connectSeconds')],
  ],
  reconnect: [
    ['all ready, s', value('allReadySeconds')],
    ['all synced, s', value('allSyncedSeconds')],
    ['acked messages', value('acked')],
    ['anomalies', (series) => anomalies(series.rounds as unknown as ReconnectFigures[])],
  ],
}

function anomalies(rounds: ReconnectFigures[]): string {
  const names = ['lost', 'twice', 'gap', 'reordered', 'invented'] as const
  const sums = names.map((name) => [name, rounds.reduce((sum, round) => sum + round.anomalies[name], 0)] as const)
  return (
    sums
      .filter(([, sum]) => sum > 0)
      .map(([name, sum]) => `${sum} ${name}`)
      .join(', ') || '0'
  )
}

function number(figure: number): string {
  if (Number.isNaN(figure)) return '–'
  const size = Math.abs(figure)
  return figure.toLocaleString('en', { maximumFractionDigits: size >= 100 ? 0 : size >= 10 ? 1 : 2 })
}

/** Puts `section` between the markers of `name`, keeping all else; adds them at the end where they are missing. */
export function replaceSection(document: string, name: string, section: string): string {
  const start = `<!-- ${name}:start -->`
  const end = `<!-- ${name}:end -->`
  const from = document.indexOf(start)
  const to = document.indexOf(end)
  const block = `${start}\n${section}\n${end}`
  if (from < 0 || to < from) return `${document.trimEnd()}\n\n${block}\n`
  return document.slice(0, from) + block + document.slice(to + end.length)
}
