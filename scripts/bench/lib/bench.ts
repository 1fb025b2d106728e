import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Contender, type ContenderName, type ContenderOptions, startContender, type World } from './contenders.ts'
import type { LoadFigures, LoadJob } from './jobs.ts'
import type { Stores } from './stores.ts'

const clientScript = fileURLToPath(new URL('./client.ts', import.meta.url))
const JOB_TIMEOUT_MS = 300_000

export interface BenchOptions {
  rounds: number
  quick: boolean
  contenders: Set<ContenderName>
  users: number
}

/** One measure's case for one contender: every round's raw figures. */
export interface Series<F = LoadFigures> {
  measure: string
  case: string
  contender: ContenderName
  rounds: F[]
}

export interface Bench {
  options: BenchOptions
  stores: Stores
  series: Series[]
  failures: { measure: string; case: string; contender: string; error: string }[]
}

export const log = (line: string) => process.stderr.write(`${line}\n`)

/** One job in a load client process of its own. */
export function runLoad<F extends LoadFigures>(job: LoadJob, contender: Contender): Promise<F> {
  return new Promise((resolve, reject) => {
    // Advanced, since JSON makes null of a NaN: a window in which nothing was acked has no p50.
    const child = fork(clientScript, { execArgv: ['--import', 'tsx'], serialization: 'advanced' })
    const timer = setTimeout(() => child.kill('SIGKILL'), JOB_TIMEOUT_MS)
    child.on('message', (message: { figures?: F; error?: string; ask?: 'kill' }) => {
      if (message.figures) resolve(message.figures)
      else if (message.error) reject(new Error(message.error))
      else if (message.ask) {
        const giveUp = (error: Error) => {
          reject(error)
          child.kill('SIGKILL')
        }
        contender.killAndRestart().then(({ started }) => {
          started.catch(giveUp)
          child.send('done')
        }, giveUp)
      }
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      reject(new Error(`the load client ended: ${signal ?? code}`))
    })
    child.send(job)
  })
}

/** Starts those of `names` that this run measures; one that does not start is a failure of its own, not of the others. */
export async function startContenders(
  bench: Bench,
  measure: string,
  names: ContenderName[],
  world: World,
  options: ContenderOptions,
): Promise<Contender[]> {
  const contenders: Contender[] = []
  for (const name of names) {
    if (!bench.options.contenders.has(name)) continue
    const start = performance.now()
    try {
      contenders.push(await startContender(name, measure, world, bench.stores, options))
      log(`${measure}: ${name} is ready (${((performance.now() - start) / 1000).toFixed(1)} s)`)
    } catch (error) {
      fail(bench, measure, 'start', name, error)
    }
  }
  return contenders
}

/**
 * Runs a case over all contenders, interleaved: A B C, then B C A, … so that neither the machine's drift nor the
 * order favours one. `first` tells a contender's first round, which warms up longer.
 */
export async function interleave<F extends LoadFigures>(
  bench: Bench,
  measure: string,
  caseName: string,
  contenders: Contender[],
  run: (contender: Contender, first: boolean) => Promise<F>,
  show: (figures: F) => string,
): Promise<void> {
  const series = new Map(contenders.map((contender) => [contender.name, [] as F[]]))
  const broken = new Set<ContenderName>()
  for (let round = 0; round < bench.options.rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(round + turn) % contenders.length]!
      if (broken.has(contender.name)) continue
      try {
        const figures = await run(contender, round === 0)
        series.get(contender.name)!.push(figures)
        log(`${measure} ${caseName} round ${round + 1} ${contender.name.padEnd(22)} ${show(figures)}`)
      } catch (error) {
        broken.add(contender.name)
        fail(bench, measure, caseName, contender.name, error)
      }
    }
  }
  for (const [contender, rounds] of series) {
    if (rounds.length) bench.series.push({ measure, case: caseName, contender, rounds })
  }
}

/** Stops them all; what does not stop is reported, and does not end the run. */
export async function stopContenders(bench: Bench, measure: string, contenders: Contender[]): Promise<void> {
  for (const contender of contenders) {
    await contender.stop().catch((error) => fail(bench, measure, 'stop', contender.name, error))
  }
}

/** Notes what did not work; the run goes on without it, and ends with exit code 1. */
export function fail(bench: Bench, measure: string, caseName: string, contender: string, error: unknown): void {
  const text = error instanceof Error ? error.message : String(error)
  bench.failures.push({ measure, case: caseName, contender, error: text })
  log(`${measure} ${caseName} ${contender} FAILED: ${text}`)
}
