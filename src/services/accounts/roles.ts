import type { mongo } from 'mongoose'
import { Permission, type PermissionWire } from '../../../models/Permission.ts'
import { Role, type RoleWire } from '../../../models/Role.ts'
import { RolePermission } from '../../../models/RolePermission.ts'
import { UserRole } from '../../../models/UserRole.ts'
import type { Database } from '../../infra/mongo.ts'
import { newId } from '../../kernel/ids.ts'

const standard = {
  admin: 'Runs the service',
  moderator: 'Moderates comments and deals with reported content',
  user: 'Takes part',
} as const
export type StandardRole = keyof typeof standard

export interface Roles {
  /** Makes the standard roles where they are missing. */
  seed(): Promise<void>
  /** Gives a user a standard role. */
  assign(userId: string, role: StandardRole, transaction?: mongo.ClientSession): Promise<void>
  /** A user's roles and what they permit; at most 100 roles and 1,000 permissions. */
  of(userId: string): Promise<{ roles: RoleWire[]; permissions: PermissionWire[] }>
}

export const isDuplicate = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === 11000

export function createRoles(database: Database): Roles {
  const roles = database.collection(Role)
  return {
    async seed() {
      for (const [name, description] of Object.entries(standard)) {
        await roles
          .updateOne(
            { name },
            { $setOnInsert: { _id: newId(), name, description, createdAt: new Date() } },
            { upsert: true },
          )
          .catch((error) => {
            // Another instance was faster.
            if (!isDuplicate(error)) throw error
          })
      }
    },
    async assign(userId, name, transaction) {
      const role = await roles.findOne({ name }, { session: transaction, projection: { _id: 1 } })
      if (!role) return
      await database
        .collection(UserRole)
        .updateOne(
          { userId, roleId: role._id },
          { $setOnInsert: { _id: newId(), userId, roleId: role._id, createdAt: new Date() } },
          { upsert: true, session: transaction },
        )
    },
    async of(userId) {
      const given = await database.collection(UserRole).find({ userId }).limit(100).toArray()
      if (given.length === 0) return { roles: [], permissions: [] }
      const roleIds = given.map((row) => row.roleId)
      const [found, links] = await Promise.all([
        roles
          .find({ _id: { $in: roleIds } })
          .sort({ name: 1 })
          .toArray(),
        database
          .collection(RolePermission)
          .find({ roleId: { $in: roleIds } })
          .limit(1000)
          .toArray(),
      ])
      const permissions = await database
        .collection(Permission)
        .find({ _id: { $in: links.map((link) => link.permissionId) } })
        .sort({ resource: 1, action: 1 })
        .toArray()
      return {
        roles: found.map((role) => Role.toWire(role)),
        permissions: permissions.map((permission) => Permission.toWire(permission)),
      }
    },
  }
}
