import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const Project = defineEntity('Project', {
  description: 'Something musicians make together',
  collection: 'projects',
  closed: true,
  fields: {
    id: f.id(),
    ownerId: f.ref('User', 'cascade'),
    title: f.name(200),
    description: f.text(0, 5_000).optional(),
    isOpen: z.boolean().default(true),
    createdAt: f.time(),
    updatedAt: f.time().nullable().default(null),
  },
  indexes: [
    { keys: { ownerId: 1, _id: -1 }, serves: 'the projects of a user, newest first' },
    { keys: { isOpen: 1, _id: -1 }, serves: 'open projects, newest first' },
    { keys: { title: 'text', description: 'text' }, serves: 'finding projects by words' },
  ],
})
export type ProjectDoc = Stored<typeof Project>
export type ProjectWire = Wire<typeof Project>
