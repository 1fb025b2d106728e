import { Instance } from '../../../models/Instance.ts'
import type { Database } from '../../infra/mongo.ts'
import { newId } from '../../kernel/ids.ts'
import type { Logger } from '../../kernel/ports.ts'

export interface InstancesDeps {
  database: Database
  logger: Logger
  /** This process was taken for dead; from now on it goes by the new id. */
  onSwept(newId: string): void
  /** Others were found dead; called in each round, so that what one sweeper left undone another does. */
  onRound(): Promise<void>
  everyMs?: number
  deadMs?: number
}

/**
 * Which processes are alive, by heartbeats on MongoDB's clock. Any of them removes those whose heart stood still; one
 * that was only stopped for a while finds itself removed, and begins a new life under a new id, so that whatever is
 * still being undone of the old life does not touch the new.
 */
export function createInstances({
  database,
  logger,
  onSwept,
  onRound,
  everyMs = 5_000,
  deadMs = 15_000,
}: InstancesDeps) {
  const instances = database.collection(Instance)
  let id = newId()
  let timer: NodeJS.Timeout | undefined
  let beating: Promise<void> | null = null
  /** Since when, by this process's steady clock, each beat has succeeded. */
  let healthySince: number | null = null
  let closed = false

  const register = () =>
    instances.updateOne(
      { _id: id },
      [{ $set: { startedAt: { $ifNull: ['$startedAt', '$$NOW'] }, heartbeatAt: '$$NOW' } }],
      { upsert: true },
    )

  async function beat() {
    try {
      const found = await instances.updateOne({ _id: id }, [{ $set: { heartbeatAt: '$$NOW' } }])
      if (closed) return
      if (found.matchedCount === 0) {
        id = newId()
        await register()
        logger.warn({}, 'this instance was taken for dead, and begins anew')
        onSwept(id)
      }
      const now = performance.now()
      healthySince ??= now
      // After an outage of the database all hearts seem to stand still: the others get time to beat first.
      if (now - healthySince < everyMs * 1.4) return
      await instances.deleteMany({
        _id: { $ne: id },
        $expr: { $lt: ['$heartbeatAt', { $subtract: ['$$NOW', deadMs] }] },
      })
      if (!closed) await onRound()
    } catch (error) {
      healthySince = null
      logger.warn({ err: error }, 'a heartbeat failed')
    }
  }

  function run() {
    beating ??= beat().finally(() => {
      beating = null
    })
  }

  return {
    get id() {
      return id
    },
    /** Which of the ids are of living instances. */
    async living(ids: string[]): Promise<Set<string>> {
      const found = await instances.find({ _id: { $in: ids } }, { projection: { _id: 1 } }).toArray()
      return new Set(found.map((instance) => instance._id))
    },
    async start() {
      await register()
      timer = setInterval(run, everyMs)
      timer.unref()
    },
    /** Stops beating, after the beat under way. */
    async stop() {
      closed = true
      clearInterval(timer)
      await beating
    },
    /** Leaves the list of the living. */
    async leave() {
      await instances.deleteOne({ _id: id })
    },
  }
}
