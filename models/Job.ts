import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

/** Work that outlives the process which asked for it: whoever holds the lease does it. */
export const Job = defineEntity('Job', {
  description: 'Work to be done later, at least once',
  collection: 'jobs',
  fields: {
    id: f.id(),
    /** The name of the declared job. */
    kind: z.string().min(1).max(100),
    /** Two jobs of a kind with the same key are one. */
    key: z.string().min(1).max(200).optional(),
    payload: f.json(),
    runAt: f.time(),
    leaseUntil: f.time().nullable().default(null),
    leasedBy: f.ref('Instance').nullable().default(null),
    attempts: z.int().min(0).default(0),
    lastError: z.string().max(2_000).nullable().default(null),
  },
  indexes: [
    { keys: { kind: 1, runAt: 1 }, serves: 'the next job of a kind that is due' },
    {
      keys: { kind: 1, key: 1 },
      options: { unique: true, partialFilterExpression: { key: { $exists: true } } },
      serves: 'asking for the same work twice',
    },
  ],
})
export type JobDoc = Stored<typeof Job>
