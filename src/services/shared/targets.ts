import { AudioFile } from '../../../models/AudioFile.ts'
import { Comment } from '../../../models/Comment.ts'
import { Playlist } from '../../../models/Playlist.ts'
import { Profile } from '../../../models/Profile.ts'
import { Project } from '../../../models/Project.ts'
import { UserProject } from '../../../models/UserProject.ts'
import type { Database } from '../../infra/mongo.ts'
import { notFound } from '../../kernel/errors.ts'
import { groupBy } from '../../kernel/group.ts'
import { seeAudio, seesAll, type Viewer } from '../../policies/audio.ts'

/** The kinds of things that likes, comments and reports point to. */
export type TargetType = 'AudioFile' | 'Comment' | 'Playlist' | 'Profile' | 'Project'

/** A thing that is liked, commented on or reported. */
export interface Target {
  type: TargetType
  id: string
  /** Whose it is: an author's comment, a user's profile. */
  ownerId: string
  /** Whether the viewer may see it. */
  isSeen: boolean
  /** The ids that open it, beside its own: where a comment stands, whose profile it is. */
  ids: Record<string, string>
}

type Finder = (database: Database, ids: string[], viewer: Viewer) => Promise<Target[]>

/** How each kind is found, whose it is, and who sees it. */
const finders: Record<TargetType, Finder> = {
  async AudioFile(database, ids, viewer) {
    const found = await database
      .collection(AudioFile)
      .find({ _id: { $in: ids } }, { projection: { userId: 1, visibility: 1 } })
      .toArray()
    return found.map((file) => ({
      type: 'AudioFile',
      id: file._id,
      ownerId: file.userId,
      isSeen: seeAudio(viewer, file),
      ids: {},
    }))
  },

  /** A comment is seen by those who see what it is on. */
  async Comment(database, ids, viewer) {
    const found = await database
      .collection(Comment)
      .find({ _id: { $in: ids } }, { projection: { authorId: 1, targetType: 1, targetId: 1 } })
      .toArray()
    const places = new Map<string, Target>()
    for (const [type, comments] of groupBy(found, ({ targetType }) => targetType)) {
      const on = [...new Set(comments.map(({ targetId }) => targetId))]
      for (const place of await finders[type](database, on, viewer)) places.set(`${type} ${place.id}`, place)
    }
    return found.map(({ _id, authorId, targetType, targetId }) => ({
      type: 'Comment',
      id: _id,
      ownerId: authorId,
      isSeen: places.get(`${targetType} ${targetId}`)?.isSeen ?? false,
      ids: { onType: targetType, onId: targetId },
    }))
  },

  async Playlist(database, ids, viewer) {
    const found = await database
      .collection(Playlist)
      .find({ _id: { $in: ids } }, { projection: { ownerId: 1, isPublic: 1 } })
      .toArray()
    return found.map((playlist) => ({
      type: 'Playlist',
      id: playlist._id,
      ownerId: playlist.ownerId,
      isSeen: playlist.isPublic || playlist.ownerId === viewer?.userId || seesAll(viewer, 'Playlist'),
      ids: {},
    }))
  },

  async Profile(database, ids) {
    const found = await database
      .collection(Profile)
      .find({ _id: { $in: ids } }, { projection: { userId: 1 } })
      .toArray()
    return found.map(({ _id, userId }) => ({
      type: 'Profile',
      id: _id,
      ownerId: userId,
      isSeen: true,
      ids: { userId },
    }))
  },

  /** Open projects are everybody’s to see, others their members’. */
  async Project(database, ids, viewer) {
    const found = await database
      .collection(Project)
      .find({ _id: { $in: ids } }, { projection: { ownerId: 1, isOpen: 1 } })
      .toArray()
    const all = seesAll(viewer, 'Project')
    const closed = found.filter(({ isOpen, ownerId }) => !isOpen && ownerId !== viewer?.userId && !all)
    const joined = new Set<string>()
    if (viewer && closed.length > 0) {
      const memberships = await database
        .collection(UserProject)
        .find(
          { projectId: { $in: closed.map(({ _id }) => _id) }, userId: viewer.userId },
          { projection: { projectId: 1 } },
        )
        .toArray()
      for (const { projectId } of memberships) joined.add(projectId)
    }
    const hidden = new Set(closed.map(({ _id }) => _id).filter((id) => !joined.has(id)))
    return found.map(({ _id, ownerId }) => ({
      type: 'Project',
      id: _id,
      ownerId,
      isSeen: !hidden.has(_id),
      ids: {},
    }))
  },
}

/** Those of the things that are there, by id, seen by the viewer or not. A few queries for however many. */
export async function findTargets(
  database: Database,
  type: TargetType,
  ids: string[],
  viewer: Viewer,
): Promise<Map<string, Target>> {
  const found = ids.length > 0 ? await finders[type](database, [...new Set(ids)], viewer) : []
  return new Map(found.map((target) => [target.id, target]))
}

/** A thing, whoever may see it; null where there is none. */
export async function findTarget(
  database: Database,
  type: TargetType,
  id: string,
  viewer: Viewer = null,
): Promise<Target | null> {
  return (await findTargets(database, type, [id], viewer)).get(id) ?? null
}

/** A thing that the viewer sees. Throws `not_found` where there is none, or none for them. */
export async function seenTarget(database: Database, type: TargetType, id: string, viewer: Viewer): Promise<Target> {
  const target = await findTarget(database, type, id, viewer)
  if (!target?.isSeen) throw notFound(type)
  return target
}
