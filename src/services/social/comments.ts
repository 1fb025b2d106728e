import { AudioFile } from '../../../models/AudioFile.ts'
import { Comment, type CommentDoc, type CommentWire } from '../../../models/Comment.ts'
import type { ProfileWire } from '../../../models/Profile.ts'
import type { Database } from '../../infra/mongo.ts'
import { type Actor, permits } from '../../kernel/actor.ts'
import { forbidden, invalid, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import type { Logger } from '../../kernel/ports.ts'
import type { Viewer } from '../../policies/audio.ts'
import type { Deletion } from '../deletion.ts'
import type { Notifications } from '../notifications/notifications.ts'
import type { People } from '../people.ts'
import { pageById } from '../shared/pages.ts'
import { toUpdate } from '../shared/patches.ts'
import { profilesOf } from '../shared/profiles.ts'
import { findTarget, findTargets, seenTarget, type TargetType } from '../shared/targets.ts'

/** What can be commented on. */
export type CommentTarget = Exclude<TargetType, 'Comment'>
export interface CommentPlace {
  targetType: CommentTarget
  targetId: string
}

export interface CommentsDeps {
  database: Database
  people: People
  notifications: Notifications
  deletion: Pick<Deletion, 'delete'>
  logger: Logger
}

/** What people say of recordings, profiles, playlists and projects, to those who see these. */
export function createComments({ database, people, notifications, deletion, logger }: CommentsDeps) {
  const comments = database.collection(Comment)

  /** A comment that the viewer sees, or wrote. Throws `not_found`. */
  async function seen(viewer: Viewer, id: string): Promise<CommentDoc> {
    const comment = (await comments.findOne({ _id: id })) as CommentDoc | null
    if (!comment) throw notFound('Comment')
    if (comment.authorId !== viewer?.userId) {
      const target = await findTarget(database, comment.targetType, comment.targetId, viewer)
      if (!target?.isSeen) throw notFound('Comment')
    }
    return comment
  }

  /** Throws `invalid` for a moment that the thing has not. */
  async function checkMoment({ targetType, targetId }: CommentPlace, atSeconds: number) {
    if (targetType !== 'AudioFile') throw invalid('Only recordings have moments', 'atSeconds')
    const file = await database.collection(AudioFile).findOne({ _id: targetId }, { projection: { duration: 1 } })
    if (file?.duration !== undefined && atSeconds > file.duration) {
      throw invalid(`The recording ends after ${file.duration} s`, 'atSeconds')
    }
  }

  return {
    /**
     * Comments on a thing and tells its owner. Throws `not_found`, `forbidden` where the owner blocks the actor, and
     * `invalid` for a moment that is none of the recording's.
     */
    async create(
      actor: Actor,
      { targetType, targetId, content, atSeconds }: CommentPlace & { content: string; atSeconds?: number | undefined },
    ): Promise<CommentWire> {
      const place = { targetType, targetId }
      const target = await seenTarget(database, targetType, targetId, actor)
      if (atSeconds !== undefined) await checkMoment(place, atSeconds)
      const { userId } = actor
      if (target.ownerId !== userId && (await people.hasBlocked(target.ownerId, userId))) {
        throw forbidden('Its owner does not want to hear from you')
      }
      const comment: CommentDoc = {
        _id: newId(),
        authorId: userId,
        ...place,
        content,
        ...(atSeconds !== undefined && { atSeconds }),
        createdAt: new Date(),
        updatedAt: null,
      }
      await comments.insertOne(comment)
      // Removed while it was being commented on: nothing of it is left behind.
      if (!(await findTarget(database, targetType, targetId))) {
        await comments.deleteOne({ _id: comment._id })
        throw notFound(targetType)
      }
      await notifications
        .collapse({
          userId: target.ownerId,
          type: 'NewComment',
          actorId: userId,
          ids: { ...place, ...target.ids, commentId: comment._id },
          group: `comment:${targetType}:${targetId}`,
          key: `comment:${comment._id}`,
        })
        // The comment is stored: were this its answer, a second try would make it twice.
        .catch((error) => logger.warn({ err: error, commentId: comment._id }, 'could not tell of a comment'))
      return Comment.toWire(comment)
    },

    /** Throws `not_found`. */
    async get(viewer: Viewer, id: string): Promise<CommentWire> {
      return Comment.toWire(await seen(viewer, id))
    },

    /**
     * Changes one's own comment; null takes the moment away. Throws `not_found`, `forbidden`, and `invalid` for a
     * moment that is none of the recording's.
     */
    async update(
      actor: Actor,
      id: string,
      { content, atSeconds }: { content?: string | undefined; atSeconds?: number | null | undefined },
    ): Promise<CommentWire> {
      const comment = await seen(actor, id)
      if (comment.authorId !== actor.userId) throw forbidden('Only its author may change a comment')
      if (typeof atSeconds === 'number') await checkMoment(comment, atSeconds)
      const changed = await comments.findOneAndUpdate(
        { _id: id, authorId: actor.userId },
        toUpdate({ content, atSeconds }),
        { returnDocument: 'after' },
      )
      if (!changed) throw notFound('Comment')
      return Comment.toWire(changed)
    },

    /** Removes a comment: its author may, the owner of what it is on, and who may delete comments. */
    async remove(actor: Actor, id: string): Promise<void> {
      const comment = await seen(actor, id)
      if (comment.authorId !== actor.userId && !permits(actor, { action: 'delete', resource: 'Comment' })) {
        const target = await findTarget(database, comment.targetType, comment.targetId, actor)
        if (target?.ownerId !== actor.userId) throw forbidden('The comment is somebody else’s')
      }
      await deletion.delete(Comment, id)
    },

    /** Comments on a thing that the viewer sees; with `expand` their authors' profiles, too. Throws `not_found`. */
    async on(
      viewer: Viewer,
      { targetType, targetId }: CommentPlace,
      { limit, cursor, sort, expand }: PageRequest & { sort: 'newest' | 'oldest'; expand?: boolean | undefined },
    ): Promise<Page<CommentWire> & { profiles?: ProfileWire[] }> {
      await seenTarget(database, targetType, targetId, viewer)
      const page = await pageById(
        comments,
        { targetType, targetId },
        { limit, cursor },
        (comment) => Comment.toWire(comment),
        sort,
      )
      if (!expand) return page
      return {
        ...page,
        profiles: await profilesOf(
          database,
          page.items.map(({ authorId }) => authorId),
        ),
      }
    },

    /** How many comments things have; those that the viewer does not see are left out. */
    async counts(viewer: Viewer, targetType: CommentTarget, targetIds: string[]) {
      const targets = await findTargets(database, targetType, targetIds, viewer)
      const seenIds = [...targets.values()].filter(({ isSeen }) => isSeen).map(({ id }) => id)
      const counted = await comments
        .aggregate<{ _id: string; count: number }>([
          { $match: { targetType, targetId: { $in: seenIds } } },
          { $group: { _id: '$targetId', count: { $sum: 1 } } },
        ])
        .toArray()
      const countOf = new Map(counted.map(({ _id, count }) => [_id, count]))
      return seenIds.map((targetId) => ({ targetId, count: countOf.get(targetId) ?? 0 }))
    },
  }
}

export type Comments = ReturnType<typeof createComments>
