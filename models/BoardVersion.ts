import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const BoardVersion = defineEntity('BoardVersion', {
  description: 'What a project’s board held at a time, under a name',
  collection: 'boardversions',
  fields: {
    id: f.id(),
    projectId: f.ref('Project', 'cascade'),
    name: f.name(200),
    createdBy: f.ref('User', 'keep'),
    /** Kept by the server before a restoration; the oldest of these go by themselves. */
    isAutomatic: z.boolean().default(false),
    /** Size of the document, in bytes. */
    bytes: z.int(),
    createdAt: f.time(),
  },
  stored: {
    /** Names the pieces that hold the document, which are replaced as a whole. */
    stateId: f.id(),
  },
  indexes: [
    { keys: { projectId: 1, _id: -1 }, serves: 'the versions of a board, newest first' },
    { keys: { projectId: 1, isAutomatic: 1, _id: -1 }, serves: 'the oldest of those that the server kept' },
  ],
})
export type BoardVersionDoc = Stored<typeof BoardVersion>
export type BoardVersionWire = Wire<typeof BoardVersion>
