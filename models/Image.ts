import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f, idPattern } from '../src/kernel/fields.ts'

const imageUsages = ['avatar', 'banner', 'project', 'audio', 'other'] as const
const imageTargets = ['Profile', 'Project', 'AudioFile'] as const

export const Image = defineEntity('Image', {
  description: 'An uploaded picture',
  collection: 'images',
  fields: {
    id: f.id(),
    uploaderId: f.ref('User'),
    url: f.uri(),
    usageType: z.enum(imageUsages),
    linkedEntityId: z.string().regex(idPattern, 'must be an id').nullable().default(null),
    linkedEntityType: z.enum(imageTargets).nullable().default(null),
    createdAt: f.time(),
  },
  indexes: [
    { keys: { uploaderId: 1, _id: -1 }, serves: 'the pictures of a user, newest first' },
    { keys: { linkedEntityType: 1, linkedEntityId: 1 }, serves: 'the pictures of a thing' },
  ],
})
export type ImageDoc = Stored<typeof Image>
export type ImageWire = Wire<typeof Image>
