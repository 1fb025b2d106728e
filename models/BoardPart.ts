import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

/** The rest of an update or snapshot that does not fit into one document of MongoDB. */
export const BoardPart = defineEntity('BoardPart', {
  description: 'A piece of a large update or snapshot of a board',
  collection: 'boardparts',
  fields: {
    /** What it is a piece of, a slash, and its number from 1. */
    id: z.string(),
    projectId: f.ref('Project', 'cascade'),
    data: z.unknown(),
  },
  indexes: [{ keys: { projectId: 1 }, serves: 'deleting a board; finding pieces of what is gone' }],
})
export type BoardPartDoc = Stored<typeof BoardPart>
