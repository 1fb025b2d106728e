import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

const likeTargets = ['AudioFile', 'Comment', 'Playlist', 'Project'] as const

export const Like = defineEntity('Like', {
  description: 'A user’s liking of a thing',
  collection: 'likes',
  fields: {
    userId: f.ref('User', 'cascade'),
    targetType: z.enum(likeTargets),
    targetId: f.target('targetType', 'cascade'),
    createdAt: f.time(),
  },
  indexes: [
    {
      keys: { targetType: 1, targetId: 1, userId: 1 },
      options: { unique: true },
      serves: 'one like a user and thing; how many a thing has',
    },
    { keys: { targetType: 1, targetId: 1, _id: -1 }, serves: 'the likes of a thing, newest first' },
    { keys: { userId: 1, _id: -1 }, serves: 'what a user likes, newest first' },
  ],
})
export type LikeDoc = Stored<typeof Like>
export type LikeWire = Wire<typeof Like>
