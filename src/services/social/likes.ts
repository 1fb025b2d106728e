import { Like, type LikeWire } from '../../../models/Like.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { forbidden, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import type { Viewer } from '../../policies/audio.ts'
import type { Notifications } from '../notifications/notifications.ts'
import type { People } from '../people.ts'
import { isDuplicate } from '../shared/duplicates.ts'
import { pageById } from '../shared/pages.ts'
import { findTarget, findTargets, seenTarget, type TargetType } from '../shared/targets.ts'

/** What can be liked. */
export type LikeTarget = Exclude<TargetType, 'Profile'>
export interface LikePlace {
  targetType: LikeTarget
  targetId: string
}
export interface LikeCount {
  count: number
  /** Whether the viewer is among them. */
  liked: boolean
}

export interface LikesDeps {
  database: Database
  people: People
  notifications: Notifications
}

/** Likes: one a user and thing, however often and from wherever it is given. */
export function createLikes({ database, people, notifications }: LikesDeps) {
  const likes = database.collection(Like)

  const counts = async (targetType: LikeTarget, ids: string[], viewer: Viewer): Promise<Map<string, LikeCount>> => {
    const targets = await findTargets(database, targetType, ids, viewer)
    const seen = [...targets.values()].filter(({ isSeen }) => isSeen).map(({ id }) => id)
    if (seen.length === 0) return new Map()
    const [counted, own] = await Promise.all([
      likes
        .aggregate<{ _id: string; count: number }>([
          { $match: { targetType, targetId: { $in: seen } } },
          { $group: { _id: '$targetId', count: { $sum: 1 } } },
        ])
        .toArray(),
      viewer
        ? likes
            .find({ targetType, targetId: { $in: seen }, userId: viewer.userId }, { projection: { targetId: 1 } })
            .toArray()
        : [],
    ])
    const countOf = new Map(counted.map(({ _id, count }) => [_id, count]))
    const liked = new Set(own.map(({ targetId }) => targetId))
    return new Map(seen.map((id) => [id, { count: countOf.get(id) ?? 0, liked: liked.has(id) }]))
  }

  return {
    /**
     * Likes a thing; again changes nothing. Its owner is told once for ever. Throws `not_found`, or `forbidden` where
     * the owner blocks the actor.
     */
    async put(actor: Actor, { targetType, targetId }: LikePlace): Promise<LikeWire> {
      const target = await seenTarget(database, targetType, targetId, actor)
      const { userId } = actor
      if (target.ownerId !== userId && (await people.hasBlocked(target.ownerId, userId))) {
        throw forbidden('Its owner does not want to hear from you')
      }
      const key = { userId, targetType, targetId }
      const like = await likes
        .findOneAndUpdate(
          key,
          { $setOnInsert: { _id: newId(), createdAt: new Date() } },
          { upsert: true, returnDocument: 'after' },
        )
        .catch((error) => {
          // Of several at once another was the first.
          if (!isDuplicate(error)) throw error
          return likes.findOne(key)
        })
      // Removed while it was being liked: nothing of it is left behind.
      if (!(await findTarget(database, targetType, targetId))) {
        await likes.deleteOne(key)
        throw notFound(targetType)
      }
      await notifications.collapse({
        userId: target.ownerId,
        type: 'NewLike',
        actorId: userId,
        ids: { targetType, targetId, ...target.ids },
        group: `like:${targetType}:${targetId}`,
        key: `like:${targetType}:${targetId}:${userId}`,
      })
      // Taken back by another device meanwhile: then this was the last that was known of it.
      return Like.toWire(like ?? { ...key, createdAt: new Date() })
    },

    /** Takes a like back, also of a thing that is gone or not seen any more; without one nothing changes. */
    async remove(actor: Actor, { targetType, targetId }: LikePlace): Promise<void> {
      await likes.deleteOne({ userId: actor.userId, targetType, targetId })
    },

    /** Likes of a thing that the viewer sees, newest first. Throws `not_found`. */
    async on(
      viewer: Viewer,
      { targetType, targetId }: LikePlace,
      { limit, cursor }: PageRequest,
    ): Promise<Page<LikeWire>> {
      await seenTarget(database, targetType, targetId, viewer)
      return page({ targetType, targetId }, limit, cursor)
    },

    /** What a user likes, newest first. */
    by: (userId: string, { limit, cursor }: PageRequest): Promise<Page<LikeWire>> => page({ userId }, limit, cursor),

    /** How many like a thing, and whether the viewer does. Throws `not_found`. */
    async count(viewer: Viewer, { targetType, targetId }: LikePlace): Promise<LikeCount> {
      const count = (await counts(targetType, [targetId], viewer)).get(targetId)
      if (!count) throw notFound(targetType)
      return count
    },

    /** The same for several things; those that the viewer does not see are left out. */
    async counts(viewer: Viewer, targetType: LikeTarget, targetIds: string[]) {
      const found = await counts(targetType, targetIds, viewer)
      return [...found].map(([targetId, count]) => ({ targetId, ...count }))
    },
  }

  async function page(filter: object, limit: number, cursor: string | undefined): Promise<Page<LikeWire>> {
    return pageById(likes, { ...filter }, { limit, cursor }, (like) => Like.toWire(like))
  }
}

export type Likes = ReturnType<typeof createLikes>
