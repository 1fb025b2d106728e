import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

/** MongoDB's documents end at 16 MB: the state of a version is kept in pieces. */
export const BoardVersionPart = defineEntity('BoardVersionPart', {
  description: 'A piece of a board’s version',
  collection: 'boardversionparts',
  fields: {
    /** The version's stateId, a slash, and the piece's number from 0. */
    id: z.string(),
    projectId: f.ref('Project', 'cascade'),
    stateId: f.id(),
    part: z.int(),
    /** Of the Yjs update, packed by deflate. */
    data: z.unknown(),
  },
  indexes: [
    { keys: { stateId: 1, part: 1 }, options: { unique: true }, serves: 'the pieces of a version in their order' },
    { keys: { projectId: 1 }, serves: 'deleting a board’s versions' },
  ],
})
export type BoardVersionPartDoc = Stored<typeof BoardVersionPart>
