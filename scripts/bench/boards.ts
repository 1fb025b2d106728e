/** `npm run bench:boards`: our boards beside @hocuspocus/server and @y/websocket-server. See docs/benchmarks.md. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import mongoose from 'mongoose'
import { type Contender, NAMES, type Name, startContender } from './boards/contenders.ts'
import { writeLargeBoard, writeSmallBoard } from './boards/edits.ts'
import {
  type Figures,
  fill,
  measureAwareness,
  measureBurst,
  measureHostile,
  measureMemory,
  measurePaced,
  timeJournalledWrite,
  timeStockSync,
  timeSync,
} from './boards/measures.ts'
import { judge, type Results, toMarkdown } from './boards/report.ts'
import { describeMachine } from './lib/machine.ts'
import { replaceSection } from './lib/report.ts'
import { median } from './lib/stats.ts'
import { type Stores, startStores } from './lib/stores.ts'
import { findStores } from './lib/tools.ts'
import { sleep } from './lib/window.ts'

const MEASURES = ['burst', 'paced', 'hostile', 'awareness', 'memory', 'sync'] as const
const USAGE = `npm run bench:boards -- [options]
  --rounds N          interleaved rounds (5)
  --only NAMES        of ${MEASURES.join(', ')}; comma-separated (all)
  --contenders NAMES  of ${NAMES.join(', ')} (all)
  --clients NUMBERS   at a board; only bursts with two (2,20,100)
  --quick             small loads: to see that it works, not to quote
  --out FILE          raw figures as JSON (bench-results/boards.json)
  --merge             keeps the figures that FILE has of measures which this run leaves out
  --table             writes the tables into docs/benchmarks.md
`
/** Updates of one burst, of all clients together. */
const BURST = 4_000
/** Paced loads: how many clients, and how many updates a second each makes. */
const PACES = [
  [20, 5],
  [100, 5],
  [100, 10],
] as const
/** Moves a second of each client's cursor. */
const MOVES = 5
/** How long a paced load lasts. */
const PACED_SECONDS = 6
/**
 * Some 8,000 updates at 400 a second go through each server before anything is measured: the database's driver costs
 * several times as much until its code is compiled.
 */
const WARM_SECONDS = 20
/** A Y.Doc that nobody edits is let go of after ten seconds: memory is measured at rest. */
const REST_MS = 14_000

interface Bench {
  stores: Stores
  rounds: number
  quick: boolean
  names: Name[]
  clients: number[]
  results: Results
}

const log = (line: string) => process.stderr.write(`${line}\n`)

/** A B C, then B C A, …: neither the machine's drift nor the order favours one. */
async function interleave(
  bench: Bench,
  key: string,
  contenders: Contender[],
  run: (contender: Contender) => Promise<Figures>,
) {
  for (let round = 0; round < bench.rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(round + turn) % contenders.length]!
      const figures = await run(contender)
      const rows = bench.results[key] ?? {}
      bench.results[key] = rows
      rows[contender.name] = [...(rows[contender.name] ?? []), figures]
      const shown = Object.entries(figures).map(([name, value]) => `${name} ${value.toFixed(value < 100 ? 2 : 0)}`)
      log(`${key} ${round + 1} ${contender.name.padEnd(20)} ${shown.join('  ')}`)
    }
  }
}

async function withContenders(
  bench: Bench,
  measure: string,
  names: Name[],
  hook: boolean,
  work: (contenders: Contender[]) => Promise<void>,
) {
  const contenders: Contender[] = []
  try {
    for (const name of names) contenders.push(await startContender(name, measure, bench.stores, hook))
    await work(contenders)
  } finally {
    for (const contender of contenders) await contender.stop()
  }
}

async function measureLoads(bench: Bench, measures: Set<string>) {
  const { stores, quick } = bench
  const crowds = bench.clients.filter((clients) => clients > 2)
  await withContenders(bench, 'load', bench.names, false, async (contenders) => {
    if (!quick) {
      log('warming up')
      await Promise.all(contenders.map((contender) => measurePaced(contender, stores, 20, 20, WARM_SECONDS)))
      for (const contender of contenders) await measureBurst(contender, stores, 20, BURST)
    }
    if (measures.has('burst')) {
      for (const clients of bench.clients) {
        await interleave(bench, `burst ${clients}`, contenders, (contender) =>
          measureBurst(contender, stores, clients, quick ? 400 : BURST),
        )
      }
    }
    if (measures.has('paced')) {
      for (const [clients, pace] of PACES) {
        if (!crowds.includes(clients)) continue
        await interleave(bench, `paced ${clients} x ${pace}`, contenders, (contender) =>
          measurePaced(contender, stores, clients, pace, quick ? 2 : PACED_SECONDS),
        )
      }
      await interleave(bench, 'write', [contenders[0]!], async () => ({ ms: await timeJournalledWrite(stores, 200) }))
    }
    const ours = contenders.filter(({ name }) => name === 'ours')
    if (measures.has('hostile')) {
      let isFirst = false
      await interleave(bench, 'hostile 20 x 5', ours, (contender) => {
        isFirst = !isFirst
        return measureHostile(contender, stores, [20, 5, quick ? 2 : PACED_SECONDS], isFirst)
      })
    }
    if (measures.has('awareness')) {
      for (const clients of crowds) {
        await interleave(bench, `awareness ${clients}`, contenders, (contender) =>
          measureAwareness(contender, stores, clients, MOVES, quick ? 2 : PACED_SECONDS),
        )
      }
    }
  })
}

/** A relay only passes on what comes. */
const keepsDocuments = (name: Name) => name !== 'relay'

/** Each in a process of its own for each round: what it once took it may not give back. */
async function measureMemories(bench: Bench) {
  const names = bench.names.filter(keepsDocuments)
  const board = writeSmallBoard()
  const count = bench.quick ? 100 : 1_000
  for (let round = 0; round < Math.min(3, bench.rounds); round++) {
    for (const name of names) {
      await withContenders({ ...bench, rounds: 1 }, 'memory', [name], true, (contenders) =>
        interleave({ ...bench, rounds: 1 }, 'memory', contenders, (contender) =>
          measureMemory(contender, board, count, REST_MS),
        ),
      )
    }
  }
}

async function measureSyncs(bench: Bench) {
  const edits = bench.quick ? 5_000 : 100_000
  const { updates, state, cards } = writeLargeBoard(edits)
  log(`sync: ${edits} edits, ${state.length} bytes`)
  const documents = new Map<Name, string>()
  await withContenders(bench, 'sync', bench.names.filter(keepsDocuments), false, async (contenders) => {
    for (const contender of contenders) {
      const [document] = await contender.create(1)
      documents.set(contender.name, document!)
      await fill(contender, document!, updates)
    }
    // Ours compacts what nobody has open; the others have theirs in one piece, or bring it there when they load it.
    if (documents.has('ours')) await compacted(bench.stores, documents.get('ours')!)
    else await sleep(5_000)
    await interleave(bench, 'sync', contenders, async (contender) => {
      const document = documents.get(contender.name)!
      const figures: Figures = {}
      if (contender.name !== 'y-websocket') {
        await contender.restart()
        // What it opens once, connections to its database and the like, it has open.
        await timeSync(contender, (await contender.create(1))[0]!, 0)
        figures['cold'] = await timeSync(contender, document, state.length)
      }
      const warm: number[] = []
      for (let at = 0; at < 5; at++) warm.push(await timeSync(contender, document, state.length))
      figures['warm'] = median(warm)
      figures['stockWarm'] = await timeStockSync(contender, document, cards)
      return figures
    })
  })
}

async function compacted(stores: Stores, projectId: string) {
  const connection = await mongoose.createConnection(stores.mongoUri('bench_boards_sync_ours')).asPromise()
  const find = (filter: object) => connection.db!.collection('boardsnapshots').countDocuments(filter)
  const end = performance.now() + 180_000
  while ((await find({ _id: projectId, version: { $exists: true } } as never)) === 0) {
    if (performance.now() > end) throw new Error('the board was not compacted within three minutes')
    await sleep(500)
  }
  await connection.close()
}

/** One measure that fails is told of, and does not take the others' figures with it. */
async function attempt(measure: string, work: () => Promise<void>) {
  try {
    await work()
  } catch (error) {
    log(`${measure} FAILED: ${(error as Error).stack}`)
    process.exitCode = 1
  }
}

function choose<T extends string>(given: string | undefined, known: readonly T[]): T[] {
  const names = given?.split(',') ?? [...known]
  const unknown = names.filter((name) => !known.includes(name as T))
  if (unknown.length > 0) throw new Error(`no such ${unknown.join(', ')}; known are ${known.join(', ')}`)
  return names as T[]
}

async function main() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string' },
      only: { type: 'string' },
      contenders: { type: 'string' },
      clients: { type: 'string', default: '2,20,100' },
      quick: { type: 'boolean', default: false },
      merge: { type: 'boolean', default: false },
      out: { type: 'string', default: 'bench-results/boards.json' },
      table: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return void process.stdout.write(USAGE)
  const measures = new Set<string>(choose(values.only, MEASURES))
  const stores = await startStores(findStores().mongod, undefined)
  const bench: Bench = {
    stores,
    rounds: Number(values.rounds ?? (values.quick ? 1 : 5)),
    quick: values.quick,
    names: choose(values.contenders, NAMES),
    clients: values.clients.split(',').map(Number),
    results: values.merge ? (JSON.parse(await readFile(values.out, 'utf8')) as { results: Results }).results : {},
  }
  try {
    const isLoaded = ['burst', 'paced', 'hostile', 'awareness'].some((name) => measures.has(name))
    if (isLoaded) await attempt('loads', () => measureLoads(bench, measures))
    if (measures.has('memory')) await attempt('memory', () => measureMemories(bench))
    if (measures.has('sync')) await attempt('sync', () => measureSyncs(bench))
  } finally {
    await stores.stop()
  }
  const { results, rounds } = bench
  const machine = { ...describeMachine(), mongod: stores.versions.mongod }
  const date = new Date().toISOString()
  const goals = judge(results)
  await mkdir(dirname(values.out), { recursive: true })
  await writeFile(
    values.out,
    `${JSON.stringify({ date, machine, rounds, quick: bench.quick, results, goals }, null, 2)}\n`,
  )
  const markdown = toMarkdown({ date, machine, rounds, results, goals })
  process.stdout.write(`${markdown}\n`)
  if (values.table) {
    const file = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url))
    await writeFile(file, replaceSection(await readFile(file, 'utf8'), 'bench:boards', markdown))
  }
}

main().catch((error: Error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
