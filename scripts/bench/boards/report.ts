import { median } from '../lib/stats.ts'
import type { Name } from './contenders.ts'
import type { Figures } from './measures.ts'

/** Every round's figures, by measure and contender. */
export type Results = Record<string, Partial<Record<Name, Figures[]>>>

export interface Goal {
  what: string
  sense: 'at least' | 'at most'
  bound: number
  value: number
  met: boolean
}

const mid = (results: Results, key: string, name: Name, figure: string): number =>
  median((results[key]?.[name] ?? []).map((figures) => figures[figure] ?? Number.NaN))

/** Every goal for which this run has figures of both sides. */
export function judge(results: Results): Goal[] {
  const goals: Goal[] = []
  const add = (what: string, value: number, sense: Goal['sense'], bound: number) => {
    if (Number.isNaN(value)) return
    goals.push({ what, sense, bound, value, met: sense === 'at least' ? value >= bound : value <= bound })
  }
  const ratio = (key: string, other: Name, figure: string) =>
    mid(results, key, 'ours', figure) / mid(results, key, other, figure)

  for (const clients of [20, 100]) {
    const value = ratio(`burst ${clients}`, 'hocuspocus', 'perSecond')
    add(`updates/s in bursts, ${clients} clients, over @hocuspocus/server`, value, 'at least', 1)
  }
  const burst = ratio('burst 100', 'y-websocket', 'perSecond')
  add('updates/s in bursts, 100 clients, over @y/websocket-server', burst, 'at least', 8)
  const paces = Object.keys(results).filter((key) => key.startsWith('paced '))
  for (const key of paces) {
    for (const [other, title] of PEERS) {
      const value = ratio(key, other, 'cpuMicrosPerDelivery')
      add(`CPU per delivered update, ${key} a second, over ${title}`, value, 'at most', 0.6)
    }
  }
  const write = mid(results, 'write', 'ours', 'ms')
  for (const key of paces) {
    for (const [other, title] of PEERS) {
      const bound = mid(results, key, other, 'p50') + write
      const value = mid(results, key, 'ours', 'p50')
      if (!Number.isNaN(bound))
        add(`propagation p50, ms, ${key} a second, ${title}'s and one write`, value, 'at most', bound)
    }
  }
  for (const clients of [20, 100]) {
    const value = ratio(`awareness ${clients}`, 'y-websocket', 'cpuMicrosPerMove')
    add(`CPU of awareness, ${clients} clients, over @y/websocket-server`, value, 'at most', 0.55)
  }
  const harm = mid(results, 'hostile 20 x 5', 'ours', 'overQuiet')
  add('p99 of others under a corpus of hostile frames, 20 x 5 a second, over the quiet one', harm, 'at most', 2)
  const memory = ratio('memory', 'y-websocket', 'bytesPerDocument')
  add('memory of a small open document, over @y/websocket-server', memory, 'at most', 1.1)
  const cold = ratio('sync', 'hocuspocus', 'cold')
  add('100,000 edits, cold, over @hocuspocus/server', cold, 'at most', 0.35)
  const warm = ratio('sync', 'y-websocket', 'warm')
  add('100,000 edits, warm, over @y/websocket-server', warm, 'at most', 0.6)
  return goals
}

const PEERS = [
  ['hocuspocus', '@hocuspocus/server'],
  ['y-websocket', '@y/websocket-server'],
] as const

type Column = [title: string, figure: string, scale?: number]
const LOAD: Column[] = [
  ['server CPU %', 'serverCpu'],
  ['client CPU %', 'clientCpu'],
  ['mongod CPU %', 'storeCpu'],
  ['others CPU %', 'othersCpu'],
]
const TABLES: [measure: string, columns: Column[]][] = [
  ['burst', [['updates/s', 'perSecond'], ['CPU µs a delivery', 'cpuMicrosPerDelivery'], ...LOAD]],
  [
    'paced',
    [
      ['p50 ms', 'p50'],
      ['p99 ms', 'p99'],
      ['left out %', 'leftOut'],
      ['CPU µs a delivery', 'cpuMicrosPerDelivery'],
      ...LOAD,
    ],
  ],
  [
    'hostile',
    [
      ['p50 ms', 'p50'],
      ['p99 ms', 'p99'],
      ['left out %', 'leftOut'],
      ['quiet p50 ms', 'quietP50'],
      ['quiet p99 ms', 'quietP99'],
      ['hostile frames', 'hostile'],
      ['ended by 4400', 'hostileEnded'],
    ],
  ],
  ['awareness', [['CPU µs a move', 'cpuMicrosPerMove'], ['heard of each move', 'heardPerMove'], ...LOAD]],
  ['memory', [['KiB a document', 'bytesPerDocument', 1 / 1024]]],
  [
    'sync',
    [
      ['cold, ms', 'cold'],
      ['warm, ms', 'warm'],
      ['warm, stock client, ms', 'stockWarm'],
    ],
  ],
]

export interface Report {
  date: string
  machine: Record<string, string | number>
  rounds: number
  results: Results
  goals: Goal[]
}

/** The report as Markdown: goals first, then a table a measure. */
export function toMarkdown({ date, machine, rounds, results, goals }: Report): string {
  const lines = [
    `Measured on ${date.slice(0, 10)}: ${machine['cores']} cores (${machine['model']}), ${machine['memoryGiB']} GiB, Node ${machine['node']}, mongod ${machine['mongod']}; server, load client and mongod share them. Medians of ${rounds} interleaved rounds (memory: of at most 3).`,
    '',
    '| goal | bound | measured | |',
    '|---|---|---:|---|',
    ...goals.map(
      ({ what, sense, bound, value, met }) =>
        `| ${what} | ${sense} ${show(bound)} | ${show(value)} | ${met ? 'met' : '**short**'} |`,
    ),
  ]
  const write = mid(results, 'write', 'ours', 'ms')
  if (!Number.isNaN(write)) lines.push('', `One journalled write took ${show(write)} ms (p50).`)
  for (const [measure, columns] of TABLES) {
    const keys = Object.keys(results).filter((key) => key === measure || key.startsWith(`${measure} `))
    if (keys.length === 0) continue
    lines.push('', `| ${measure} | contender | ${columns.map(([title]) => title).join(' | ')} |`)
    lines.push(`|---|---|${columns.map(() => '---:').join('|')}|`)
    for (const key of keys) {
      for (const name of Object.keys(results[key]!) as Name[]) {
        const cells = columns.map(([, figure, scale = 1]) => show(mid(results, key, name, figure) * scale))
        lines.push(`| ${key.slice(measure.length).trim()} | ${name} | ${cells.join(' | ')} |`)
      }
    }
  }
  return lines.join('\n')
}

function show(figure: number): string {
  if (Number.isNaN(figure)) return '–'
  const size = Math.abs(figure)
  return figure.toLocaleString('en', { maximumFractionDigits: size >= 100 ? 0 : size >= 10 ? 1 : 2 })
}
