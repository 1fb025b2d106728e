import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

/** Updates of a board's Yjs document, as they were committed together; append only. See `src/boards/store.ts`. */
export const BoardUpdate = defineEntity('BoardUpdate', {
  description: 'Changes of a board that no snapshot holds yet',
  collection: 'boardupdates',
  fields: {
    /** A ULID; the first update of a board is named after its project, so that it is stored once. */
    id: z.string(),
    projectId: f.ref('Project', 'cascade'),
    /** MongoDB's own time of the insert (a BSON timestamp): what instances look for missed updates by. */
    at: z.unknown(),
    /** The instance that has stored it, which need not look for it. */
    by: z.string().optional(),
    /** Binary: updates, each behind its length. */
    data: z.unknown(),
    /** How many documents beside this one hold the rest, where one is too small. */
    parts: z.int().optional(),
  },
  indexes: [{ keys: { projectId: 1, at: 1 }, serves: 'the updates of a board; those that an instance missed' }],
})
export type BoardUpdateDoc = Stored<typeof BoardUpdate>
