import type { mongo } from 'mongoose'
import { Booking } from '../../../models/Booking.ts'
import { Comment } from '../../../models/Comment.ts'
import { Project, type ProjectDoc, type ProjectWire } from '../../../models/Project.ts'
import { UserProject } from '../../../models/UserProject.ts'
import type { Database } from '../../infra/mongo.ts'
import { type Actor, permits } from '../../kernel/actor.ts'
import { conflict, forbidden, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import type { Bus, Logger } from '../../kernel/ports.ts'
import { projectPolicy } from '../../policies/projects.ts'
import type { People } from '../people.ts'
import { pageById } from '../shared/pages.ts'
import { toUpdate } from '../shared/patches.ts'
import { createProjectChanges } from './changes.ts'
import { createProjectMembers } from './members.ts'
import { createSight, maxProjects } from './sight.ts'

/** Takes with a project what belongs to it, in the transaction that ends it. */
export type DeletionHook = (projectId: string, session: mongo.ClientSession) => Promise<void>

/** What belongs to a project and is not deleted in one transaction with it. */
export interface Remains {
  /** Before the project goes: sees to it that `remove` happens, whatever becomes of this process. */
  prepare(projectId: string): Promise<void>
  /** After it is gone. */
  remove(projectId: string): Promise<void>
}

/** Which projects of those that one may see. */
export interface ProjectFilter {
  /** `true`: open ones, of whomever; `false`: closed ones. */
  open?: boolean | undefined
  q?: string | undefined
  ownerId?: string | undefined
  memberId?: string | undefined
}

export interface ProjectsDeps {
  database: Database
  bus: Bus
  people: People
  logger: Logger
  /** How often missed changes of rights are looked for, in milliseconds. */
  pollMs?: number
}

/** What musicians make together: projects, who is in them, and who may do what on their boards. */
export function createProjects({ database, bus, people, logger, pollMs }: ProjectsDeps) {
  const projects = database.collection(Project)
  const members = database.collection(UserProject)
  const sight = createSight(database)
  const changes = createProjectChanges({ database, bus, logger, ...(pollMs !== undefined && { pollMs }) })
  const hooks: DeletionHook[] = [
    async (projectId, session) => {
      await database.collection(Booking).deleteMany({ projectId }, { session })
      await database.collection(Comment).deleteMany({ targetType: 'Project', targetId: projectId }, { session })
    },
  ]

  const remains: Remains[] = []
  const editListeners: ((userId: string) => Promise<void>)[] = []

  async function tellEdited(userId: string): Promise<void> {
    for (const listener of editListeners) await listener(userId)
  }

  /** The ids of the projects that a user is in. */
  async function idsOf(userId: string): Promise<string[]> {
    const found = await members
      .find({ userId }, { projection: { _id: 0, projectId: 1 } })
      .limit(maxProjects)
      .toArray()
    return found.map(({ projectId }) => projectId)
  }

  return {
    members: createProjectMembers({ database, people, changes, sight }),
    idsOf,
    /** A project with the actor's place in it and board access. Throws `not_found`. */
    see: sight.see,
    accessOf: sight.accessOf,
    /** Hears, on every instance, where somebody may do more or less in a project than before, or it is gone. */
    onChanged: changes.onChanged,
    /** Called with the owner of a project that came, changed or went; must not throw. */
    onEdited: (listener: (userId: string) => Promise<void>): void => void editListeners.push(listener),
    onDeleted: (hook: DeletionHook): void => void hooks.push(hook),
    onRemains: (each: Remains): void => void remains.push(each),

    /** A page of projects that the actor may see, newest first; without a filter those that they are in. */
    async list(
      actor: Actor,
      { open, q, ownerId, memberId }: ProjectFilter,
      { limit, cursor }: PageRequest,
    ): Promise<Page<ProjectWire>> {
      const own = await idsOf(actor.userId)
      const isOwnList = open === undefined && ownerId === undefined && memberId === undefined
      const words = q === undefined ? '' : plainWords(q)
      // No word is found nowhere.
      const isVoid = q !== undefined && words === ''
      const within = isVoid ? [] : isOwnList ? own : memberId === undefined ? null : await idsOf(memberId)
      const filter = {
        $and: [{ $or: [{ isOpen: true }, { _id: { $in: own } }] }, ...(within ? [{ _id: { $in: within } }] : [])],
        ...(open !== undefined && { isOpen: open }),
        ...(ownerId !== undefined && { ownerId }),
        ...(words && { $text: { $search: words } }),
      }
      return pageById(projects, filter, { limit, cursor }, (project) => Project.toWire(project))
    },

    /** Makes a project with the actor as its owner. */
    async create(
      actor: Actor,
      input: { title: string; description?: string | undefined; isOpen?: boolean },
    ): Promise<ProjectWire> {
      const count = await members.countDocuments({ userId: actor.userId }, { limit: maxProjects })
      if (count >= maxProjects) throw conflict(`Nobody can be in more than ${maxProjects} projects`)
      const createdAt = new Date()
      const project = {
        _id: newId(),
        ownerId: actor.userId,
        title: input.title,
        ...(input.description !== undefined && { description: input.description }),
        isOpen: input.isOpen ?? true,
        createdAt,
        updatedAt: null,
      } as ProjectDoc
      await changes.run(project._id, actor.userId, async (session) => {
        await projects.insertOne(project as never, { session })
        const member = {
          _id: newId(),
          userId: actor.userId,
          projectId: project._id,
          role: 'owner',
          access: null,
          createdAt,
        }
        await members.insertOne(member as never, { session })
      })
      await tellEdited(actor.userId)
      return Project.toWire(project)
    },

    async get(actor: Actor, projectId: string): Promise<ProjectWire> {
      return Project.toWire((await sight.see(actor, projectId)).project)
    },

    /** Changes the fields given; null takes the description away. */
    async update(
      actor: Actor,
      projectId: string,
      patch: { title?: string | undefined; description?: string | null | undefined; isOpen?: boolean | undefined },
    ): Promise<ProjectWire> {
      const { member } = await sight.see(actor, projectId)
      if (!projectPolicy.manage(member) && !permits(actor, { action: 'moderate', resource: 'Project' })) {
        throw forbidden('Only owners change the project')
      }
      const write = async (session?: mongo.ClientSession) => {
        const after = await projects.findOneAndUpdate({ _id: projectId }, toUpdate(patch), {
          returnDocument: 'after',
          ...(session && { session }),
        })
        if (!after) throw notFound('project')
        return Project.toWire(after)
      }
      // Only openness changes what anybody may do.
      const changed = await (patch.isOpen === undefined ? write() : changes.run(projectId, null, write))
      await tellEdited(changed.ownerId)
      return changed
    },

    /** Ends a project with all that belongs to it; by an owner, or with the permission to. */
    async remove(actor: Actor, projectId: string): Promise<void> {
      const mayDelete = permits(actor, { action: 'delete', resource: 'Project' })
      if (!mayDelete) {
        const { member } = await sight.see(actor, projectId)
        if (!projectPolicy.manage(member)) throw forbidden('Only owners delete the project')
      }
      const project = await projects.findOne({ _id: projectId }, { projection: { ownerId: 1 } })
      for (const each of remains) await each.prepare(projectId)
      await changes.run(
        projectId,
        null,
        async (session) => {
          const { deletedCount } = await projects.deleteOne({ _id: projectId }, { session })
          if (deletedCount === 0) throw notFound('project')
          await members.deleteMany({ projectId }, { session })
          for (const hook of hooks) await hook(projectId, session)
        },
        { isEnd: true },
      )
      if (project) await tellEdited(project.ownerId)
      for (const each of remains) {
        await each
          .remove(projectId)
          .catch((error) => logger.warn({ err: error, projectId }, 'what remains of a project goes later'))
      }
    },

    start: () => changes.start(),
    close: () => changes.close(),
  }
}

export type Projects = ReturnType<typeof createProjects>

/** Words to look for: MongoDB reads quotes and leading minus signs as operators. */
const plainWords = (text: string) =>
  text
    .split(/[\s"]+/)
    .map((word) => word.replace(/^-+/, ''))
    .filter(Boolean)
    .join(' ')
