import type { ProfileWire } from '../../../models/Profile.ts'
import { User } from '../../../models/User.ts'
import { UserFollow, type UserFollowWire } from '../../../models/UserFollow.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { forbidden, invalid, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import type { Viewer } from '../../policies/audio.ts'
import type { Notifications } from '../notifications/notifications.ts'
import type { People } from '../people.ts'
import { isDuplicate } from '../shared/duplicates.ts'
import { pageById } from '../shared/pages.ts'
import { profilesOf } from '../shared/profiles.ts'

export interface FollowsDeps {
  database: Database
  people: People
  notifications: Notifications
}

/** Who follows whom. */
export function createFollows({ database, people, notifications }: FollowsDeps) {
  const follows = database.collection(UserFollow)

  async function checkUser(userId: string) {
    if (!(await database.collection(User).findOne({ _id: userId }, { projection: { _id: 1 } }))) throw notFound('User')
  }

  return {
    /**
     * Follows a user; again changes nothing. The user is told once for ever. Throws `invalid` for oneself,
     * `not_found`, and `forbidden` where the user blocks the actor.
     */
    async put(actor: Actor, followeeId: string): Promise<UserFollowWire> {
      const followerId = actor.userId
      if (followerId === followeeId) throw invalid('Nobody can follow themself', 'userId')
      if (!(await people.existing([followeeId])).has(followeeId)) throw notFound('User')
      if (await people.hasBlocked(followeeId, followerId)) throw forbidden('The user does not want to hear from you')
      const key = { followerId, followeeId }
      const follow = await follows
        .findOneAndUpdate(
          key,
          { $setOnInsert: { _id: newId(), createdAt: new Date() } },
          { upsert: true, returnDocument: 'after' },
        )
        .catch((error) => {
          // Of several at once another was the first.
          if (!isDuplicate(error)) throw error
          return follows.findOne(key)
        })
      // Blocked or gone meanwhile: whoever did that looked for followings before this one was there.
      const [there, isBlocked] = await Promise.all([
        people.existing([followeeId]),
        people.hasBlocked(followeeId, followerId),
      ])
      if (!there.has(followeeId) || isBlocked) {
        await follows.deleteOne(key)
        throw isBlocked ? forbidden('The user does not want to hear from you') : notFound('User')
      }
      await notifications.collapse({
        userId: followeeId,
        type: 'NewFollow',
        actorId: followerId,
        ids: {},
        group: 'follow',
        key: `follow:${followerId}`,
      })
      return UserFollow.toWire(follow ?? { ...key, createdAt: new Date() })
    },

    /** Follows a user no more; one who is not followed stays so. */
    async remove(actor: Actor, followeeId: string): Promise<void> {
      await follows.deleteOne({ followerId: actor.userId, followeeId })
    },

    /** A user's followers, or whom a user follows, newest first; with `expand` their profiles. Throws `not_found`. */
    async list(
      userId: string,
      side: 'followers' | 'following',
      { limit, cursor, expand }: PageRequest & { expand?: boolean | undefined },
    ): Promise<Page<UserFollowWire> & { profiles?: ProfileWire[] }> {
      await checkUser(userId)
      const filter = side === 'followers' ? { followeeId: userId } : { followerId: userId }
      const page = await pageById(follows, filter, { limit, cursor }, (follow) => UserFollow.toWire(follow))
      if (!expand) return page
      const others = page.items.map(({ followerId, followeeId }) => (side === 'followers' ? followerId : followeeId))
      return { ...page, profiles: await profilesOf(database, others) }
    },

    /** How many follow a user and are followed, and how the viewer stands to them. Throws `not_found`. */
    async counts(viewer: Viewer, userId: string) {
      const [, followers, following, isFollowed, isFollower] = await Promise.all([
        checkUser(userId),
        follows.countDocuments({ followeeId: userId }),
        follows.countDocuments({ followerId: userId }),
        viewer ? follows.findOne({ followerId: viewer.userId, followeeId: userId }) : null,
        viewer ? follows.findOne({ followerId: userId, followeeId: viewer.userId }) : null,
      ])
      return { followers, following, isFollowed: isFollowed !== null, isFollower: isFollower !== null }
    },
  }
}

export type Follows = ReturnType<typeof createFollows>
