import { Project, type ProjectDoc } from '../../../models/Project.ts'
import { UserProject, type UserProjectDoc } from '../../../models/UserProject.ts'
import type { Database } from '../../infra/mongo.ts'
import { type Actor, permits } from '../../kernel/actor.ts'
import { notFound } from '../../kernel/errors.ts'
import { projectPolicy } from '../../policies/projects.ts'

/** How many projects one person can be in. */
export const maxProjects = 1_000

/** Who sees which projects, and who may do what on their boards. */
export function createSight(database: Database) {
  const projects = database.collection(Project)
  const members = database.collection(UserProject)

  async function look(userId: string, projectId: string) {
    const [project, member] = await Promise.all([
      projects.findOne({ _id: projectId }) as unknown as Promise<ProjectDoc | null>,
      members.findOne({ projectId, userId }) as unknown as Promise<UserProjectDoc | null>,
    ])
    return { project, member: member ?? undefined }
  }

  return {
    /** A project with the actor's place in it. Throws `not_found` where there is nothing for them to see. */
    async see(actor: Actor, projectId: string) {
      const { project, member } = await look(actor.userId, projectId)
      const mayRead = permits(actor, { action: 'read', resource: 'Project' })
      if (!project || !(projectPolicy.see(member, project.isOpen) || mayRead)) throw notFound('project')
      return { project, member, board: projectPolicy.board(member, project.isOpen) }
    },

    /** What a user may do with a project's board. */
    async accessOf(userId: string, projectId: string): Promise<'write' | 'read' | 'none' | 'missing'> {
      const { project, member } = await look(userId, projectId)
      return project ? projectPolicy.board(member, project.isOpen) : 'missing'
    },
  }
}

export type Sight = ReturnType<typeof createSight>
