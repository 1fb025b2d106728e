import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const Tag = defineEntity('Tag', {
  description: 'A word that recordings and people are found by',
  collection: 'tags',
  fields: {
    id: f.id(),
    name: f.name(50),
    createdAt: f.time(),
    updatedAt: f.time().nullable().default(null),
  },
  stored: {
    /** The name in lower case. */
    nameKey: z.string().max(100),
  },
  indexes: [
    {
      keys: { nameKey: 1 },
      options: { unique: true },
      serves: 'a tag by its name; one each, in whatever case; names that begin so',
    },
  ],
})
export type TagDoc = Stored<typeof Tag>
export type TagWire = Wire<typeof Tag>
