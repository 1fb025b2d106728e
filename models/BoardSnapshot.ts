import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

/** A board's state as of its last compaction, and the lease under which the next one runs. */
export const BoardSnapshot = defineEntity('BoardSnapshot', {
  description: 'The state of a board without its latest changes',
  archive: { instead: { lease: () => undefined } },
  collection: 'boardsnapshots',
  fields: {
    /** The project's id. */
    id: f.ref('Project', 'cascade'),
    /** Changes with each compaction; missing before the first. */
    version: z.string().optional(),
    /** Binary: the state as one update. */
    data: z.unknown(),
    parts: z.int().optional(),
    /** Binary: its state vector. */
    stateVector: z.unknown(),
    /** Who compacts, and until when by MongoDB's clock. */
    lease: z.object({ holder: z.string(), until: z.date() }).optional(),
  },
  indexes: [],
})
export type BoardSnapshotDoc = Stored<typeof BoardSnapshot>
