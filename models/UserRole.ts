import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const UserRole = defineEntity('UserRole', {
  description: 'A role that a user has',
  collection: 'userroles',
  closed: true,
  fields: { userId: f.ref('User', 'cascade'), roleId: f.ref('Role', 'cascade'), createdAt: f.time() },
  indexes: [
    { keys: { userId: 1, roleId: 1 }, options: { unique: true }, serves: 'the roles of a user, each once' },
    { keys: { roleId: 1, _id: -1 }, serves: 'who has a role, newest first; deleting a role' },
  ],
})
export type UserRoleDoc = Stored<typeof UserRole>
export type UserRoleWire = Wire<typeof UserRole>
