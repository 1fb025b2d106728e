import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

/** Work that outlives the process which asked for it: whoever holds the lease does it. */
export const Job = defineEntity('Job', {
  description: 'Work to be done later, at least once',
  /** What is still to be done goes along: deletions would else stay half done. Who does it is no more than a lease. */
  archive: { only: { failedAt: null }, instead: { leasedBy: () => null } },
  collection: 'jobs',
  fields: {
    id: f.id(),
    /** The name of the declared job. */
    kind: z.string().min(1).max(100),
    /** Two jobs of a kind with the same key are one. */
    key: z.string().min(1).max(200).optional(),
    payload: f.json(),
    /** When it may be taken (again), by MongoDB's clock: while it runs, when its lease ends. */
    runAt: f.time(),
    leasedBy: f.ref('Instance', 'keep').nullable().default(null),
    attempts: z.int().min(0).default(0),
    lastError: z.string().max(2_000).nullable().default(null),
    /** When it was given up after too many attempts. */
    failedAt: f.time().nullable().default(null),
  },
  indexes: [
    { keys: { kind: 1, failedAt: 1, runAt: 1 }, serves: 'the next job of a kind that is due' },
    { keys: { leasedBy: 1 }, serves: 'handing back what a closing instance holds' },
    {
      keys: { failedAt: 1 },
      options: { expireAfterSeconds: 30 * 86_400 },
      serves: 'forgetting failed jobs after 30 days',
    },
    {
      keys: { kind: 1, key: 1 },
      options: { unique: true, partialFilterExpression: { key: { $exists: true } } },
      serves: 'asking for the same work twice',
    },
  ],
})
export type JobDoc = Stored<typeof Job>
