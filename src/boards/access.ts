import { Project } from '../../models/Project.ts'
import { UserProject } from '../../models/UserProject.ts'
import type { Database } from '../infra/mongo.ts'
import type { BoardAccess } from './types.ts'

/** Access by membership alone: viewers read, all other members write, and everybody reads an open project's board. */
export function createMembershipAccess(database: Database): BoardAccess {
  const projects = database.collection(Project)
  const members = database.collection(UserProject)
  return {
    async accessOf(userId, projectId) {
      const [project, member] = await Promise.all([
        projects.findOne({ _id: projectId }, { projection: { ownerId: 1, isOpen: 1 } }),
        members.findOne({ projectId, userId }),
      ])
      if (!project) return 'missing'
      if (project.ownerId === userId) return 'write'
      if (member) return member.role === 'viewer' ? 'read' : 'write'
      return project.isOpen ? 'read' : 'none'
    },
    // Nothing tells of changes: the endpoint looks for them.
    onChanged() {},
  }
}
