import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

/** What a member's access can be set to, beside what the role says by itself. */
export const ProjectAccess = z.enum(['viewer', 'editor'])
export type ProjectAccess = z.infer<typeof ProjectAccess>

export const UserProject = defineEntity('UserProject', {
  description: 'A member of a project',
  collection: 'userprojects',
  closed: true,
  fields: {
    userId: f.ref('User', 'cascade'),
    projectId: f.ref('Project', 'cascade'),
    /** `owner`, `editor`, `commenter`, `viewer` or a free text such as `producer`. */
    role: f.name(60),
    createdAt: f.time(),
  },
  stored: {
    /** `viewer`: may only read, whatever a free role is called. */
    access: ProjectAccess.nullable().default(null),
  },
  indexes: [
    { keys: { projectId: 1, userId: 1 }, options: { unique: true }, serves: 'the members of a project, each once' },
    { keys: { userId: 1, _id: -1 }, serves: 'the projects of a member, newest first' },
  ],
})
export type UserProjectDoc = Stored<typeof UserProject>
export type UserProjectWire = Wire<typeof UserProject>
