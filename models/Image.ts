import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f, idPattern } from '../src/kernel/fields.ts'

const imageUsages = ['avatar', 'banner', 'project', 'audio', 'other'] as const
export const ImageUsage = z.enum(imageUsages)
const imageTargets = ['Profile', 'Project', 'AudioFile'] as const
export const ImageTarget = z.enum(imageTargets)

/** One of the sizes that a picture is kept in; `bytes` of WebP. */
const ImageSize = z.object({ name: z.string(), width: z.int(), height: z.int(), bytes: z.int() })

export const Image = defineEntity('Image', {
  description: 'An uploaded picture',
  collection: 'images',
  fields: {
    id: f.id(),
    uploaderId: f.ref('User', 'cascade'),
    url: f.uri(),
    usageType: ImageUsage,
    linkedEntityId: z
      .string()
      .regex(idPattern, 'must be an id')
      .meta({ refBy: 'linkedEntityType', onDelete: 'null' })
      .nullable()
      .default(null),
    linkedEntityType: ImageTarget.nullable().default(null),
    createdAt: f.time(),
  },
  extra: {
    sizes: z.array(ImageSize).max(10).default([]).describe('What `size` its address takes; the last is the largest'),
    animated: z.boolean().optional(),
  },
  stored: {
    /** The bytes of all sizes together. */
    sizeBytes: z.int().min(0).optional(),
  },
  indexes: [
    { keys: { uploaderId: 1, _id: -1 }, serves: 'the pictures of a user, newest first' },
    { keys: { linkedEntityType: 1, linkedEntityId: 1 }, serves: 'the pictures of a thing' },
  ],
})
export type ImageDoc = Stored<typeof Image>
export type ImageWire = Wire<typeof Image>
