import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

const commentTargets = ['AudioFile', 'Profile', 'Playlist', 'Project'] as const

export const Comment = defineEntity('Comment', {
  description: 'What somebody says of a recording, profile, playlist or project',
  collection: 'comments',
  fields: {
    id: f.id(),
    authorId: f.ref('User', 'cascade'),
    targetType: z.enum(commentTargets),
    targetId: f.target('targetType', 'cascade'),
    content: f.text(1, 5_000),
    createdAt: f.time(),
    updatedAt: f.time().nullable().default(null),
  },
  extra: {
    atSeconds: z.number().min(0).optional().describe('Which moment of the recording it is about'),
    cardId: f.text(1, 200).optional().describe('On a project: the card of its board that it is about'),
  },
  indexes: [
    { keys: { targetType: 1, targetId: 1, _id: -1 }, serves: 'the comments on a thing, newest first' },
    {
      keys: { targetId: 1, cardId: 1, _id: -1 },
      options: { partialFilterExpression: { cardId: { $exists: true } } },
      serves: 'the comments on a card, newest first',
    },
    { keys: { authorId: 1, _id: -1 }, serves: 'the comments of a user, newest first' },
  ],
})
export type CommentDoc = Stored<typeof Comment>
export type CommentWire = Wire<typeof Comment>
