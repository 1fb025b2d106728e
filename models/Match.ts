import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const Match = defineEntity('Match', {
  description: 'Two users who may suit each other',
  collection: 'matches',
  fields: {
    id: f.id(),
    /** The lesser of the two ids, so that a pair has one match. */
    userA: f.ref('User', 'cascade'),
    userB: f.ref('User', 'cascade'),
    score: f.fraction(),
    matchedAt: f.time().optional(),
    createdAt: f.time(),
    updatedAt: f.time().nullable().default(null),
  },
  extra: {
    reasons: z.array(z.string()).max(10).optional().describe('Why, said to the one who asks'),
  },
  stored: {
    /** Why, from either side. */
    grounds: f.json().optional(),
    /** When both were told: once for ever. */
    toldAt: f.time().optional(),
  },
  indexes: [
    { keys: { userA: 1, userB: 1 }, options: { unique: true }, serves: 'one match a pair' },
    { keys: { userA: 1, score: -1, _id: -1 }, serves: 'the matches of a user, best first, as the one side' },
    { keys: { userB: 1, score: -1, _id: -1 }, serves: 'the same, as the other side' },
  ],
})
export type MatchDoc = Stored<typeof Match>
export type MatchWire = Wire<typeof Match>
