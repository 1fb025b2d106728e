import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const UserFollow = defineEntity('UserFollow', {
  description: 'A user who wants news of another',
  collection: 'userfollows',
  closed: true,
  fields: {
    followerId: f.ref('User', 'cascade'),
    followeeId: f.ref('User', 'cascade'),
    createdAt: f.time(),
  },
  indexes: [
    { keys: { followerId: 1, followeeId: 1 }, options: { unique: true }, serves: 'one following a pair' },
    { keys: { followerId: 1, _id: -1 }, serves: 'whom a user follows, newest first' },
    { keys: { followeeId: 1, _id: -1 }, serves: 'who follows a user, newest first' },
  ],
})
export type UserFollowDoc = Stored<typeof UserFollow>
export type UserFollowWire = Wire<typeof UserFollow>
