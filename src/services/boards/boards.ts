import { BoardActivity } from '../../../models/BoardActivity.ts'
import { toMarkdown } from '../../boards/content/markdown.ts'
import { operate } from '../../boards/content/operate.ts'
import type { Operated, Operation } from '../../boards/content/operations.ts'
import type { BoardPicture } from '../../boards/content/picture.ts'
import { project, toJson } from '../../boards/content/project.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { invalid } from '../../kernel/errors.ts'
import type { Bus, Emitter, Logger } from '../../kernel/ports.ts'
import type { Jobs } from '../jobs.ts'
import type { Notifications } from '../notifications/notifications.ts'
import type { People } from '../people.ts'
import type { Projects } from '../projects/projects.ts'
import { createBoardActivity } from './activity.ts'
import { createCardComments } from './comments.ts'
import { createGate } from './gate.ts'
import type { LiveBoards } from './live.ts'
import { createBoardNews } from './news.ts'
import { createBoardVersions } from './versions.ts'

export interface ProjectBoardsDeps {
  database: Database
  live: LiveBoards
  projects: Projects
  people: People
  notifications: Notifications
  jobs: Jobs
  bus: Bus
  emitter: Emitter
  logger: Logger
}

/** By which job the document of a deleted project goes, should the process that deletes it not come to it. */
export const removing = { kind: 'board:remove' }
/** Longer than the transaction that deletes a project can take, in milliseconds. */
const removeAfterMs = 180_000

/** Projects' boards for those who don't hold the document: pictures of it, operations on it, versions, activity. */
export function createProjectBoards(deps: ProjectBoardsDeps) {
  const { database, live, projects, jobs, bus, emitter, logger } = deps
  const gate = createGate(projects)
  const versions = createBoardVersions({ database, live, gate })
  const activity = createBoardActivity({ database, gate, logger })
  const news = createBoardNews({ bus, emitter, memberIds: (id) => projects.members.idsOf(id), logger })

  live.onCommitted(({ projectId, changes, doc }) => {
    for (const change of changes) {
      news.note(projectId, change)
      activity.note(projectId, change, doc)
    }
  })
  projects.onDeleted(async (projectId, session) => {
    await versions.removeAll(projectId, session)
    await database.collection(BoardActivity).deleteMany({ projectId }, { session })
  })

  projects.onRemains({
    prepare: (projectId) => jobs.enqueue(removing, { projectId }, { key: projectId, delayMs: removeAfterMs }),
    remove: (projectId) => live.remove(projectId),
  })

  /** Throws `invalid` where a card would be given to somebody who is not in the project. */
  async function requireMembers(projectId: string, operations: Operation[]) {
    const assigns = operations.some((each) => 'assignees' in each && each.assignees && each.assignees.length > 0)
    if (!assigns) return
    const members = new Set(await projects.members.idsOf(projectId))
    operations.forEach((each, index) => {
      const stranger = 'assignees' in each && each.assignees?.find((userId) => !members.has(userId))
      if (stranger) throw invalid('Cards are given to members of the project alone', `operations.${index}.assignees`)
    })
  }

  return {
    versions,
    activity: activity.list,
    comments: createCardComments({ ...deps, gate }),

    /** The board as JSON. */
    async get(actor: Actor, projectId: string): Promise<BoardPicture & { access: 'write' | 'read' }> {
      const { board } = await gate.reader(actor, projectId)
      return { ...(await live.read(projectId, project)), access: board === 'write' ? 'write' : 'read' }
    },

    /** Does operations, all or none; those who have the board open see them at once. */
    async operate(actor: Actor, projectId: string, operations: Operation[]): Promise<Operated> {
      await gate.writer(actor, projectId)
      await requireMembers(projectId, operations)
      const author = { userId: actor.userId, at: new Date() }
      const { result } = await live.transact(projectId, { userId: actor.userId }, (doc) =>
        operate(doc, operations, author),
      )
      return result
    },

    /** The board as a file. */
    async exported(actor: Actor, projectId: string, format: 'json' | 'markdown') {
      const { project: exported } = await gate.reader(actor, projectId)
      const text = await live.read(projectId, (doc) =>
        format === 'json' ? `${JSON.stringify(toJson(doc), null, 2)}\n` : toMarkdown(doc),
      )
      return {
        text,
        type: format === 'json' ? 'application/json' : 'text/markdown; charset=utf-8',
        fileName: `${fileName(exported.title)}.${format === 'json' ? 'json' : 'md'}`,
      }
    },

    /** Deletes what is left of a board whose project is gone. */
    async removeRemains(projectId: string): Promise<void> {
      if ((await projects.accessOf('', projectId)) === 'missing') await live.remove(projectId)
    },

    async close() {
      news.close()
      await activity.close()
    },
  }
}

export type ProjectBoards = ReturnType<typeof createProjectBoards>

/** A title as the name of a file: ASCII alone, as headers have it. */
const fileName = (title: string): string =>
  title
    .normalize('NFKD')
    .replace(/[^\w.-]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 80) || 'board'
