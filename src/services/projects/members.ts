import { Project } from '../../../models/Project.ts'
import {
  type ProjectAccess,
  UserProject,
  type UserProjectDoc,
  type UserProjectWire,
} from '../../../models/UserProject.ts'
import type { Database } from '../../infra/mongo.ts'
import { type Actor, permits } from '../../kernel/actor.ts'
import { conflict, forbidden, invalid, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import { projectPolicy, projectRole } from '../../policies/projects.ts'
import type { People } from '../people.ts'
import { pageById } from '../shared/pages.ts'
import type { ProjectChanges } from './changes.ts'
import { maxProjects, type Sight } from './sight.ts'

/** How many people can be in one project. */
const maxMembers = 500
/** For how long a list of members is kept, in milliseconds; changes end it at once. */
const keptMs = 30_000
const mostKept = 1_000

/** Who is in a project, and as what. */
export function createProjectMembers(deps: {
  database: Database
  people: People
  changes: ProjectChanges
  sight: Sight
}) {
  const { database, people, changes, sight } = deps
  const projects = database.collection(Project)
  const members = database.collection(UserProject)
  const kept = new Map<string, { ids: Promise<string[]>; until: number }>()
  changes.onChanged((projectId) => kept.delete(projectId))

  /** Throws `not_found` where the actor may not see the project, `forbidden` where they may not manage it. */
  async function requireManager(actor: Actor, projectId: string) {
    const { member } = await sight.see(actor, projectId)
    if (projectPolicy.manage(member) || permits(actor, { action: 'moderate', resource: 'Project' })) return
    throw forbidden('Only owners of the project may do this')
  }

  /** The role and access to store. Throws `invalid` where they contradict each other. */
  function ranked(role: string, access: ProjectAccess | null) {
    const named = projectRole(role)
    if (access && !projectPolicy.takesAccess(named, access)) {
      throw invalid(`The role ${named} says by itself what its member may do`, 'access')
    }
    return { role: named, access }
  }

  /** Throws `conflict` where the project would be left without an owner; else the heir of its record, if it needs one. */
  async function requireOtherOwner(projectId: string, userId: string, session: never) {
    const other = await members.findOne(
      { projectId, role: 'owner', userId: { $ne: userId } },
      { session, sort: { _id: 1 }, projection: { userId: 1 } },
    )
    if (!other) throw conflict('A project needs an owner: make somebody else owner first')
    await projects.updateOne({ _id: projectId, ownerId: userId }, { $set: { ownerId: other.userId } }, { session })
  }

  return {
    /** A page of the members, longest in the project first. */
    async list(actor: Actor, projectId: string, { limit, cursor }: PageRequest): Promise<Page<UserProjectWire>> {
      await sight.see(actor, projectId)
      return pageById(members, { projectId }, { limit, cursor }, (member) => UserProject.toWire(member), 'oldest')
    },

    /** The ids of all members, at most 500; kept for a while, until something changes. */
    idsOf(projectId: string): Promise<string[]> {
      const before = kept.get(projectId)
      if (before && before.until > performance.now()) return before.ids
      const ids = members
        .find({ projectId }, { projection: { _id: 0, userId: 1 } })
        .toArray()
        .then((found) => found.map(({ userId }) => userId))
      kept.delete(projectId)
      const entry = { ids, until: performance.now() + keptMs }
      kept.set(projectId, entry)
      if (kept.size > mostKept) kept.delete(kept.keys().next().value as string)
      ids.catch(() => {
        if (kept.get(projectId) === entry) kept.delete(projectId)
      })
      return ids
    },

    /** Adds somebody. Throws `conflict` for one who is in already, `forbidden` for one who blocks the actor. */
    async add(
      actor: Actor,
      projectId: string,
      input: { userId: string; role: string; access?: ProjectAccess | null | undefined },
    ): Promise<UserProjectWire> {
      await requireManager(actor, projectId)
      const { userId } = input
      const rank = ranked(input.role, input.access ?? null)
      const [existing, blockers] = await Promise.all([
        people.existing([userId]),
        people.blockersOf(actor.userId, [userId]),
      ])
      if (!existing.has(userId)) throw notFound('user')
      if (blockers.has(userId)) throw forbidden('This person does not accept invitations from you')
      return changes.run(projectId, userId, async (session) => {
        // All of it again, as it is now that it is our turn.
        if (!(await projects.findOne({ _id: projectId }, { session, projection: { _id: 1 } })))
          throw notFound('project')
        if (await members.findOne({ projectId, userId }, { session, projection: { _id: 1 } })) {
          throw conflict('This person is in the project already')
        }
        const [inProject, ofUser] = [
          await members.countDocuments({ projectId }, { session, limit: maxMembers }),
          await members.countDocuments({ userId }, { session, limit: maxProjects }),
        ]
        if (inProject >= maxMembers) throw conflict(`Nobody more fits into the project: ${maxMembers} are in`)
        if (ofUser >= maxProjects) throw conflict(`Nobody can be in more than ${maxProjects} projects`)
        const member = { _id: newId(), userId, projectId, ...rank, createdAt: new Date() } as UserProjectDoc
        await members.insertOne(member as never, { session })
        return UserProject.toWire(member)
      })
    },

    /** Changes a member's role or access. Throws `conflict` where nobody would be owner. */
    async update(
      actor: Actor,
      projectId: string,
      userId: string,
      patch: { role?: string | undefined; access?: ProjectAccess | null | undefined },
    ): Promise<UserProjectWire> {
      await requireManager(actor, projectId)
      return changes.run(projectId, userId, async (session) => {
        const member = await members.findOne({ projectId, userId }, { session })
        if (!member) throw notFound('member')
        const role = projectRole(patch.role ?? member.role)
        const access = member.access && projectPolicy.takesAccess(role, member.access) ? member.access : null
        const rank = ranked(role, patch.access === undefined ? access : patch.access)
        if (member.role === 'owner' && rank.role !== 'owner') {
          await requireOtherOwner(projectId, userId, session as never)
        }
        await members.updateOne({ _id: member._id }, { $set: rank }, { session })
        return UserProject.toWire({ ...member, ...rank })
      })
    },

    /** Takes somebody out: an owner anybody, everybody themself. Throws `conflict` for the last owner. */
    async remove(actor: Actor, projectId: string, userId: string): Promise<void> {
      if (userId === actor.userId) await sight.see(actor, projectId)
      else await requireManager(actor, projectId)
      await changes.run(projectId, userId, async (session) => {
        const member = await members.findOne({ projectId, userId }, { session })
        if (!member) throw notFound('member')
        if (member.role === 'owner') await requireOtherOwner(projectId, userId, session as never)
        await members.deleteOne({ _id: member._id }, { session })
      })
    },
  }
}
