import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { entities } from '../../models/index.ts'
import { createLoneBus } from '../../src/infra/bus.ts'
import { connectMongo, type Database } from '../../src/infra/mongo.ts'
import { type JobContext, jobDefiner } from '../../src/kernel/job.ts'
import type { Logger } from '../../src/kernel/ports.ts'
import { createJobs, type Jobs } from '../../src/services/jobs.ts'
import { startTestMongod, type TestMongod } from '../support/mongod.ts'
import { until } from '../support/socket.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
const defineJob = jobDefiner<null>()

describe('stored jobs', () => {
  let mongod: TestMongod
  let database: Database
  const runners: Jobs[] = []
  let kinds = 0
  beforeAll(async () => {
    mongod = await startTestMongod('jobs')
    database = await connectMongo(mongod.uri, entities, silent)
  })
  afterEach(async () => {
    await Promise.all(runners.splice(0).map((runner) => runner.close(1_000)))
    await stored().deleteMany({})
  })
  afterAll(async () => {
    await database.close()
    await mongod.close()
  })
  const stored = () => database.connection.getClient().db(database.connection.name).collection('jobs')

  /** A kind of its own, and a way to start runners of it, as of several processes. */
  function kindOf(
    run: (payload: any, context: JobContext) => Promise<void>,
    options: { leaseMs?: number; maxAttempts?: number; atOnce?: number; retryMs?: number } = {},
  ) {
    const job = defineJob<any>({
      kind: `kind${++kinds}`,
      summary: 'of a test',
      leaseMs: 600,
      maxAttempts: 3,
      retryMs: 50,
      ...options,
      run: (_services, payload, context) => run(payload, context),
    })
    const runner = () => {
      const made = createJobs<null>({
        database,
        bus: createLoneBus(),
        logger: silent,
        jobs: [job],
        services: () => null,
        pollMs: 50,
      })
      made.start()
      runners.push(made)
      return made
    }
    return { job, runner }
  }

  it('[JOB-01] runs each job once, one process at a time, however many look, also past the lease', async () => {
    const runs: string[] = []
    const running = new Set<string>()
    let doubled = 0
    const { job, runner } = kindOf(
      async ({ name, ms }) => {
        if (running.has(name)) doubled++
        running.add(name)
        runs.push(name)
        await sleep(ms)
        running.delete(name)
      },
      { atOnce: 3 },
    )
    const all = [runner(), runner(), runner()]
    const names = Array.from({ length: 40 }, (_, index) => `job ${index}`)
    await all[0]!.enqueueAll(
      job,
      names.map((name, index) => ({ name, ms: index === 0 ? 2_000 : 20 })),
    )
    await until(async () => (await stored().countDocuments()) === 0, 60_000)
    expect(runs.sort()).toEqual(names.sort())
    expect(doubled).toBe(0)
  })

  it('[JOB-02] another process takes over when the lease of one that died ends, and not before', async () => {
    const runs: number[] = []
    const { job, runner } = kindOf(async (_payload, { attempt }) => void runs.push(attempt), { leaseMs: 1_200 })
    const only = runner()
    await only.close()
    runners.length = 0
    await only.enqueue(job, {})
    // As a process that died left it: taken, and never renewed.
    await stored().updateOne({ kind: job.kind }, [
      { $set: { leasedBy: 'dead', attempts: 1, runAt: { $add: ['$$NOW', 1_200] } } },
    ])
    const taken = performance.now()
    runner()
    await until(() => runs.length > 0)
    expect(performance.now() - taken).toBeGreaterThan(1_000)
    expect(runs).toEqual([2])
  })

  it('[JOB-03] tries again after growing pauses, at most so many times, and keeps why it failed', async () => {
    const at: number[] = []
    const { job, runner } = kindOf(
      async () => {
        at.push(performance.now())
        throw new Error('no tape')
      },
      { retryMs: 300 },
    )
    await runner().enqueue(job, {})
    await until(async () => (await stored().findOne({ kind: job.kind }))?.['failedAt'], 60_000)
    await sleep(300)
    expect(at).toHaveLength(3)
    expect(at[1]! - at[0]!).toBeGreaterThan(280)
    expect(at[2]! - at[1]!).toBeGreaterThan(580)
    expect(await stored().findOne({ kind: job.kind })).toMatchObject({
      attempts: 3,
      lastError: 'no tape',
      leasedBy: null,
    })
  })

  it('[JOB-04] gives up a job whose process died each time', async () => {
    let runs = 0
    const { job, runner } = kindOf(async () => void runs++)
    const first = runner()
    await first.close()
    await first.enqueue(job, {})
    await stored().updateOne({ kind: job.kind }, { $set: { attempts: 3, leasedBy: 'dead' } })
    runner()
    await until(async () => (await stored().findOne({ kind: job.kind }))?.['failedAt'])
    expect(runs).toBe(0)
  })

  it('[JOB-05] two jobs of a kind with one key are one; of different kinds they are not', async () => {
    const { job, runner } = kindOf(async () => {})
    const { job: other } = kindOf(async () => {})
    const made = runner()
    await made.close()
    await Promise.all([1, 2, 3].map((number) => made.enqueue(job, { number }, { key: '$same' })))
    await made.enqueue(other, {}, { key: '$same' })
    expect(await stored().countDocuments({ kind: job.kind })).toBe(1)
    expect(await stored().countDocuments()).toBe(2)
  })

  it('[JOB-06] tells a run that its lease is lost, and leaves the job to who has it now', async () => {
    let aborted = false
    const { job, runner } = kindOf(async (_payload, { signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      aborted = true
    })
    await runner().enqueue(job, {})
    await until(async () => (await stored().findOne({ kind: job.kind }))?.['leasedBy'])
    await stored().updateOne({ kind: job.kind }, { $set: { leasedBy: 'another', attempts: 2, runAt: new Date(8e12) } })
    await until(() => aborted)
    await sleep(100)
    expect(await stored().findOne({ kind: job.kind })).toMatchObject({ leasedBy: 'another', attempts: 2 })
  })

  it('[JOB-07] closing hands back what runs, at once and without counting the attempt', async () => {
    const { job, runner } = kindOf(
      (_payload, { signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      { leaseMs: 60_000 },
    )
    const made = runner()
    await made.enqueue(job, {})
    await until(() => made.stats().running === 1)
    await made.close()
    const left = await stored().findOne({ kind: job.kind })
    expect(left).toMatchObject({ leasedBy: null, attempts: 0, lastError: null })
    expect(left!['runAt'].getTime()).toBeLessThanOrEqual(Date.now() + 1_000)
  })

  it('[JOB-08] does not run a job before its time, and runs the oldest due first', async () => {
    const order: string[] = []
    const { job, runner } = kindOf(async ({ name }) => void order.push(name))
    const made = runner()
    await made.enqueue(job, { name: 'later' }, { delayMs: 3_000 })
    const asked = performance.now()
    await made.enqueue(job, { name: 'now' })
    await until(() => order.length === 2)
    expect(order).toEqual(['now', 'later'])
    expect(performance.now() - asked).toBeGreaterThan(2_800)
    const explained: any = await stored()
      .find({ kind: job.kind, failedAt: null, $expr: { $lte: ['$runAt', '$$NOW'] } })
      .sort({ runAt: 1 })
      .explain('queryPlanner')
    expect(JSON.stringify(explained)).toContain('IXSCAN')
    expect(JSON.stringify(explained.queryPlanner.winningPlan)).not.toContain('"stage":"SORT"')
  })
})
