// npm test: starts the servers that the suites share, runs vitest, and says last how many passed and failed.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bundle, serverPrograms } from './bundle.mjs'
import { ensureChromium, ensureFfmpeg } from './find-tools.ts'
import { startTestServices, type TestServices } from './test/services.ts'
import type { Tally } from './test/tally.ts'

/** What suites start over and over beside the server's own programs. */
const testPrograms = { admin: 'scripts/admin.ts', demo: 'scripts/demo.ts', embedder: 'test/infra/embedder.ts' }

const WHOLE_RUN_MS = 42 * 60_000
/** From the last result to the end of vitest, and from SIGTERM to its end. */
const END_MS = 15_000
const CLOSE_MS = 20_000

/** What has counted as failed without being a test. */
const notes: string[] = []
let services: TestServices | undefined
let runner: ChildProcess | undefined
let tally: Tally | undefined

/** Throws where `work` is not done in time. */
async function within<T>(ms: number, title: string, work: Promise<T>): Promise<T> {
  const stop = new AbortController()
  const late = sleep(ms, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`${title} took longer than ${ms / 1000} s`)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    stop.abort()
  }
}

async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    notes.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** Programs that suites start over and over are bundled once, as `npm start` does it. */
async function bundlePrograms(): Promise<void> {
  const dist = join(import.meta.dirname, '..', 'dist')
  await bundle(dist, serverPrograms)
  await bundle(join(dist, 'test'), testPrograms)
  process.env['TEST_BUNDLES'] = '1'
}

async function runVitest(): Promise<void> {
  const child = fork(join(import.meta.dirname, 'test', 'runner.ts'), process.argv.slice(2), {
    execArgv: ['--import', 'tsx'],
  })
  runner = child
  const ended = once(child, 'exit')
  const answered = new Promise<void>((resolve) => {
    child.once('message', (message) => {
      const answer = message as { tally?: Tally; exitCode: number }
      tally = answer.tally
      if (answer.exitCode !== 0 && tally?.failed === 0) notes.push(`vitest set exit code ${answer.exitCode}`)
      resolve()
    })
  })
  await within(WHOLE_RUN_MS, 'the whole run', Promise.race([answered, ended]))
  await within(END_MS, 'ending vitest', ended)
}

async function endRunner(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  try {
    await within(END_MS, 'ending vitest', ended)
  } finally {
    child.kill('SIGKILL')
  }
}

/** The last lines of a step that failed, where the caller kept them in the folder `STEP_LOGS`. */
function readEnd(step: string): string {
  const folder = process.env['STEP_LOGS']
  if (!folder) return '(not kept)'
  try {
    return readFileSync(join(folder, step), 'utf8').split('\n').slice(-60).join('\n')
  } catch (error) {
    return String(error)
  }
}

async function finish(): Promise<never> {
  await attempt(async () => runner && !hasEnded(runner) && (await endRunner(runner)))
  await attempt(async () => services && (await within(CLOSE_MS, 'ending the servers', services.close())))
  const counted: Tally = tally ?? { passed: 0, failed: 1, notes: ['vitest gave no result'] }
  // Steps of the same build that failed before the tests did their part, such as the check.
  const before = (process.env['FAILED_BEFORE_TESTS'] ?? '').split(' ').filter(Boolean)
  for (const step of before) console.error(`\nThe end of what ${step} said:\n${readEnd(step)}\n`)
  const extra = [...notes, ...before.map((step) => `failed before the tests: ${step}`)]
  for (const note of [...counted.notes, ...extra]) console.error(`counted as failed: ${note}`)
  const failed = counted.failed + extra.length
  console.log(`${counted.passed} passed, ${failed} failed`)
  process.exit(failed === 0 ? 0 : 1)
}

let finishing: Promise<never> | undefined
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (finishing) return
    notes.push(`ended by ${signal}`)
    finishing = finish()
  })
}

await attempt(async () => {
  // Runs that tests plant need no programs; those of the run around them are in use.
  if (!process.env['TEST_BUNDLES']) await bundlePrograms()
  services = await startTestServices((line) => console.log(line))
  process.env['TEST_MONGODB_URI'] = services.mongoUri
  process.env['TEST_REDIS_URL'] = services.redisUrl
  process.env['TEST_CHROMIUM'] = await ensureChromium()
  process.env['TEST_FFMPEG'] = await ensureFfmpeg()
  if (!finishing) await runVitest()
})
finishing ??= finish()
await finishing
