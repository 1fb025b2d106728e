import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

/** Seconds for which it is told that a project is gone. */
const keptAfterEnd = 24 * 3600

export const ProjectChange = defineEntity('ProjectChange', {
  description: 'When who may do what in a project last changed; what changes it takes turns here',
  collection: 'projectchanges',
  fields: {
    /** The project's. */
    id: f.id(),
    rev: z.int().default(0),
    /** By MongoDB's clock. */
    changedAt: f.time(),
    goneAt: f.time().optional(),
  },
  indexes: [
    { keys: { changedAt: 1 }, serves: 'what changed since an instance last asked' },
    { keys: { goneAt: 1 }, options: { expireAfterSeconds: keptAfterEnd }, serves: 'forgetting deleted projects' },
  ],
})
export type ProjectChangeDoc = Stored<typeof ProjectChange>
