// npm test: starts the servers that the suites share, runs vitest, and says last how many passed and failed.
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseCLI, startVitest, type Vitest } from 'vitest/node'
import { ensureChromium } from './find-tools.ts'
import { startTestServices, type TestServices } from './test/services.ts'
import { createTallyReporter, type Tally } from './test/tally.ts'

const WHOLE_RUN_MS = 30 * 60_000
const CLOSE_MS = 20_000

const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)])
const reporter = createTallyReporter(options.testNamePattern !== undefined)
const notes: string[] = []
let services: TestServices | undefined
let vitest: Vitest | undefined

/** An error where `work` is not done in time; the process ends soon after, and all that it started with it. */
async function within<T>(ms: number, title: string, work: Promise<T>): Promise<T> {
  const stop = new AbortController()
  try {
    const late = sleep(ms, undefined, { signal: stop.signal }).then(() => {
      throw new Error(`${title} took longer than ${ms / 1000} s`)
    })
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

async function finish(): Promise<never> {
  const { close } = services ?? {}
  services = undefined
  await attempt(async () => vitest && (await within(CLOSE_MS, 'closing vitest', vitest.close())))
  await attempt(async () => close && (await within(CLOSE_MS, 'ending the servers', close())))
  const counted: Tally = reporter.tally() ?? { passed: 0, failed: 1, notes: ['vitest gave no result'] }
  // Steps of the same build that failed before the tests did their part, such as the check.
  const before = (process.env['FAILED_BEFORE_TESTS'] ?? '').split(' ').filter(Boolean)
  const extra = [...notes, ...before.map((step) => `failed before the tests: ${step}`)]
  for (const note of [...counted.notes, ...extra]) console.error(`counted as failed: ${note}`)
  let failed = counted.failed + extra.length
  if (failed === 0 && process.exitCode) failed = 1
  console.log(`${counted.passed} passed, ${failed} failed`)
  process.exit(failed === 0 ? 0 : 1)
}

let finishing: Promise<never> | undefined
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (!finishing) notes.push(`ended by ${signal}`)
    finishing ??= finish()
  })
}

await attempt(async () => {
  services = await startTestServices((line) => console.log(line))
  process.env['TEST_MONGODB_URI'] = services.mongoUri
  process.env['TEST_REDIS_URL'] = services.redisUrl
  if (existsSync('test/web')) process.env['TEST_CHROMIUM'] = await ensureChromium()
  const running = startVitest('test', filter, { ...options, watch: false, reporters: ['default', reporter] })
  vitest = await within(WHOLE_RUN_MS, 'the whole run', running)
})
finishing ??= finish()
await finishing
