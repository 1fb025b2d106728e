/** `npm run bench:chat`: our chat beside what it is usually built of, in one run. See docs/benchmarks.md. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Bench, log } from './lib/bench.ts'
import { type ContenderName, missingFile } from './lib/contenders.ts'
import { judge } from './lib/goals.ts'
import { describeMachine } from './lib/machine.ts'
import {
  measureAcks,
  measureDeliveries,
  measureInstances,
  measureMemory,
  measureReconnect,
  measureStock,
} from './lib/measures.ts'
import { type Report, replaceSection, summarise, toMarkdown } from './lib/report.ts'
import { startStores } from './lib/stores.ts'
import { findStores } from './lib/tools.ts'

const USAGE = `npm run bench:chat -- [options]
  --rounds N        interleaved rounds (5)
  --only NAMES      of acks, deliveries, instances, memory, reconnect, stock; comma-separated (all)
  --contenders NAMES  of ours, bare-mongoose, bare-mongoose-inc, bare-broadcast, our-adapter,
                    redis-classic, redis-classic-mongoose (all)
  --users N         distinct users behind the members of the larger rooms (100)
  --quick           short windows, small crowds: to see that it works, not to quote
  --out FILE        raw figures as JSON (bench-results/chat.json)
  --table           writes the tables into docs/benchmarks.md
`
const MEASURES: Record<string, (bench: Bench) => Promise<void>> = {
  acks: measureAcks,
  deliveries: measureDeliveries,
  instances: measureInstances,
  memory: measureMemory,
  reconnect: measureReconnect,
  stock: measureStock,
}
const CONTENDERS: ContenderName[] = [
  'ours',
  'bare-mongoose',
  'bare-mongoose-inc',
  'bare-broadcast',
  'our-adapter',
  'redis-classic',
  'redis-classic-mongoose',
]

function choose<T extends string>(option: string, given: string | undefined, known: T[]): T[] {
  const names = given?.split(',') ?? known
  const unknown = names.filter((name) => !known.includes(name as T))
  if (unknown.length) throw new Error(`${option}: no such ${unknown.join(', ')}; known are ${known.join(', ')}`)
  return names as T[]
}

function positive(option: string, given: string): number {
  const value = Number(given)
  if (!Number.isInteger(value) || value < 1) throw new Error(`${option} must be a whole number from 1`)
  return value
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string' },
      only: { type: 'string' },
      contenders: { type: 'string' },
      users: { type: 'string', default: '100' },
      quick: { type: 'boolean', default: false },
      out: { type: 'string', default: 'bench-results/chat.json' },
      table: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return
  }
  const measures = choose('--only', values.only, Object.keys(MEASURES))
  const contenders = new Set(choose('--contenders', values.contenders, CONTENDERS))
  const rounds = positive('--rounds', values.rounds ?? (values.quick ? '2' : '5'))
  for (const name of contenders) {
    const file = missingFile(name)
    if (!file) continue
    contenders.delete(name)
    log(`${file} is missing: measuring without ${name}`)
  }
  const started = performance.now()
  const { mongod, redisServer } = findStores()
  if (!redisServer && measures.includes('instances')) throw new Error('--only instances needs a redis-server on PATH')
  const stores = await startStores(mongod, redisServer)
  const bench: Bench = {
    options: { rounds, quick: values.quick, contenders, users: positive('--users', values.users) },
    stores,
    series: [],
    failures: [],
  }
  try {
    for (const name of measures) await MEASURES[name]!(bench)
  } finally {
    await stores.stop()
  }

  const report: Report = {
    date: new Date().toISOString(),
    seconds: Math.round((performance.now() - started) / 1000),
    machine: { ...describeMachine(), ...stores.versions },
    options: { rounds, quick: values.quick, measures, contenders: [...contenders], users: bench.options.users },
    series: bench.series.map(summarise),
    goals: judge(bench.series),
    failures: bench.failures,
  }
  await mkdir(dirname(values.out), { recursive: true })
  await writeFile(values.out, `${JSON.stringify(report, null, 2)}\n`)
  const markdown = toMarkdown(report)
  process.stdout.write(`${markdown}\n\n${values.out} has the raw figures; ${report.seconds} s.\n`)
  if (values.table) {
    const file = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url))
    const before = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      return '# Benchmarks\n'
    })
    await writeFile(file, replaceSection(before, 'bench:chat', markdown))
  }
  if (bench.failures.length) process.exitCode = 1
}

main().catch((error: Error) => {
  log(error.message)
  process.exitCode = 1
})
