import type { mongo } from 'mongoose'
import { Job, type JobDoc } from '../../models/Job.ts'
import type { Database } from '../infra/mongo.ts'
import { newId } from '../kernel/ids.ts'
import type { JobDef } from '../kernel/job.ts'
import type { Bus, Logger } from '../kernel/ports.ts'

type AnyJob<S> = JobDef<any, S>

export interface EnqueueOptions {
  /** Two jobs of a kind with one key are one; the first stays. */
  key?: string
  delayMs?: number
  /** It is stored with the transaction, or not at all; then it is found by the next look, within seconds. */
  transaction?: mongo.ClientSession
}

export interface Jobs {
  /** Stores work to be done; resolves when it is durable. */
  enqueue<P>(job: Pick<JobDef<P, never>, 'kind'>, payload: P, options?: EnqueueOptions): Promise<void>
  /** Stores several at once. */
  enqueueAll<P>(job: Pick<JobDef<P, never>, 'kind'>, payloads: P[]): Promise<void>
  /** Begins to take jobs of the kinds given. */
  start(): void
  stats(): { running: number; done: number; failed: number }
  /** Takes no more, waits at most `ms` for what runs, and hands the rest back. */
  close(ms?: number): Promise<void>
}

export interface JobsDeps<S> {
  database: Database
  bus: Bus
  logger: Logger
  jobs: AnyJob<S>[]
  services: () => S
  /** How often due jobs are looked for that nobody told of, in milliseconds. */
  pollMs?: number
}

const longestRetryMs = 10 * 60_000
const inMs = (ms: number) => ({ $add: ['$$NOW', ms] })

/**
 * Runs stored jobs: the oldest due first, each by the one process that holds its lease, by MongoDB's clock. A process
 * that dies leaves its jobs to the others when the leases end; `attempts` tells a holder that came back that it is not
 * the holder any more.
 */
export function createJobs<S>({ database, bus, logger, jobs, services, pollMs = 2_000 }: JobsDeps<S>): Jobs {
  const stored = database.collection(Job)
  const me = bus.instanceId
  const running = new Map<string, Promise<void>>()
  const counts = new Map<string, number>()
  /** Looks under way, by kind. */
  const looking = new Map<string, Promise<void>>()
  /** Kinds told of while they were being looked for. */
  const again = new Set<string>()
  const byKind = new Map(jobs.map((job) => [job.kind, job]))
  const drain = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let started = false
  let polling = false
  let done = 0
  let failed = 0

  const mine = (job: JobDoc) => ({ _id: job._id, leasedBy: me, attempts: job.attempts })

  const due = (kind: string | { $in: string[] }) =>
    ({ kind, failedAt: null, $expr: { $lte: ['$runAt', '$$NOW'] } }) as never

  /** The oldest due job of a kind, leased; null where there is none. */
  const take = (job: AnyJob<S>) =>
    stored.findOneAndUpdate(
      due(job.kind),
      [{ $set: { leasedBy: me, runAt: inMs(job.leaseMs), attempts: { $add: ['$attempts', 1] } } }],
      { sort: { runAt: 1 }, returnDocument: 'after' },
    ) as Promise<JobDoc | null>

  function look(job: AnyJob<S>) {
    if (!started || drain.signal.aborted) return
    if (looking.has(job.kind)) {
      again.add(job.kind)
      return
    }
    const under = takeAll(job).finally(() => {
      looking.delete(job.kind)
      if (again.delete(job.kind)) look(job)
    })
    looking.set(job.kind, under)
  }

  async function takeAll(job: AnyJob<S>) {
    try {
      while ((counts.get(job.kind) ?? 0) < (job.atOnce ?? 1) && !drain.signal.aborted) {
        const taken = await take(job)
        if (!taken) break
        if (drain.signal.aborted) {
          await giveBack(job, taken, null)
          break
        }
        counts.set(job.kind, (counts.get(job.kind) ?? 0) + 1)
        const run = execute(job, taken).finally(() => {
          running.delete(taken._id)
          counts.set(job.kind, counts.get(job.kind)! - 1)
          look(job)
        })
        running.set(taken._id, run)
      }
    } catch (error) {
      logger.warn({ err: error, job: job.kind }, 'could not look for jobs')
    }
  }

  async function execute(job: AnyJob<S>, taken: JobDoc) {
    const lost = new AbortController()
    const signal = AbortSignal.any([lost.signal, drain.signal])
    const renewal = setInterval(() => void renew(job, taken, lost), job.leaseMs / 3)
    try {
      // One that killed its processes again and again is not run once more.
      if (taken.attempts > job.maxAttempts) throw new Error(taken.lastError ?? 'its process died each time')
      let isLast = true
      const again = () => {
        isLast = false
      }
      await job.run(services(), taken.payload, { attempt: taken.attempts, signal, again })
      const held = isLast
        ? (await stored.deleteOne(mine(taken))).deletedCount
        : (await stored.updateOne(mine(taken), [{ $set: { leasedBy: null, lastError: null, runAt: '$$NOW' } }]))
            .matchedCount
      if (held > 0) done++
      else logger.warn({ job: job.kind, id: taken._id }, 'a job outlasted its lease; another process has it')
    } catch (error) {
      await giveBack(job, taken, error).catch((cause) =>
        logger.warn({ err: cause, job: job.kind, id: taken._id }, 'a job could not be handed back; its lease will end'),
      )
    } finally {
      clearInterval(renewal)
    }
  }

  async function renew(job: AnyJob<S>, taken: JobDoc, lost: AbortController) {
    try {
      const renewed = await stored.updateOne(mine(taken), [{ $set: { runAt: inMs(job.leaseMs) } }])
      if (renewed.matchedCount === 0 && running.has(taken._id)) lost.abort(new Error('the lease is lost'))
    } catch (error) {
      logger.warn({ err: error, job: job.kind, id: taken._id }, 'a lease could not be renewed')
    }
  }

  async function giveBack(job: AnyJob<S>, taken: JobDoc, error: unknown) {
    const lastError = (error instanceof Error ? error.message : String(error)).slice(0, 2_000)
    if (drain.signal.aborted) {
      // Cut off by us: not its fault, and due at once for another process.
      await stored.updateOne(mine(taken), [
        { $set: { leasedBy: null, runAt: '$$NOW', attempts: { $subtract: ['$attempts', 1] } } },
      ])
      return
    }
    failed++
    const last = taken.attempts >= job.maxAttempts
    const details = { err: error, job: job.kind, id: taken._id, attempt: taken.attempts }
    if (last) logger.error(details, 'a job failed for good')
    else logger.warn(details, 'a job failed; it will be tried again')
    const pauseMs = Math.min(longestRetryMs, (job.retryMs ?? 1_000) * 2 ** (taken.attempts - 1))
    await stored.updateOne(mine(taken), [
      {
        $set: {
          leasedBy: null,
          lastError: { $literal: lastError },
          ...(last ? { failedAt: '$$NOW' } : { runAt: inMs(pauseMs) }),
        },
      },
    ])
  }

  /** One question for all kinds: most of the time there is nothing to do. */
  async function poll() {
    if (polling) return
    polling = true
    try {
      const some = await stored.findOne(due({ $in: [...byKind.keys()] }), { projection: { _id: 1 } })
      if (some) for (const job of jobs) look(job)
    } catch (error) {
      logger.warn({ err: error }, 'could not look for jobs')
    } finally {
      polling = false
    }
  }

  function wake(kind: string) {
    const job = byKind.get(kind)
    if (job) look(job)
  }
  bus.subscribe('job', wake)

  async function store(
    kind: string,
    drafts: { payload: unknown; key?: string; delayMs?: number }[],
    session?: mongo.ClientSession,
  ) {
    for (let start = 0; start < drafts.length; start += 1_000) {
      await stored.bulkWrite(
        drafts.slice(start, start + 1_000).map(({ payload, key, delayMs = 0 }) => {
          const _id = newId()
          const fields = {
            kind,
            payload: { $literal: payload },
            leasedBy: null,
            attempts: 0,
            lastError: null,
            failedAt: null,
          }
          return {
            updateOne: {
              filter: key === undefined ? { _id } : { kind, key },
              update: [
                {
                  $replaceWith: {
                    $cond: [
                      { $gt: ['$attempts', null] },
                      '$$ROOT',
                      { _id, key: key === undefined ? undefined : { $literal: key }, ...fields, runAt: inMs(delayMs) },
                    ],
                  },
                },
              ],
              upsert: true,
            },
          }
        }) as never,
        { ordered: false, session },
      )
    }
    if (drafts.length > 0) bus.announce('job', kind)
  }

  return {
    enqueue: (job, payload, { transaction, ...options } = {}) =>
      store(job.kind, [{ payload, ...options }], transaction),
    enqueueAll: (job, payloads) =>
      store(
        job.kind,
        payloads.map((payload) => ({ payload })),
      ),
    start() {
      started = true
      for (const job of jobs) look(job)
      timer = setInterval(() => void poll(), pollMs)
      timer.unref()
    },
    stats: () => ({ running: running.size, done, failed }),
    async close(ms = 5_000) {
      clearInterval(timer)
      started = false
      drain.abort(new Error('the process drains'))
      let late: NodeJS.Timeout | undefined
      const patience = new Promise<void>((end) => {
        late = setTimeout(end, ms)
      })
      const ended = Promise.all(looking.values()).then(() => Promise.allSettled(running.values()))
      await Promise.race([ended, patience])
      clearTimeout(late)
    },
  }
}
