import type { mongo } from 'mongoose'
import { Permission, type PermissionWire } from '../../../models/Permission.ts'
import { Role, type RoleDoc, type RoleWire } from '../../../models/Role.ts'
import { RolePermission } from '../../../models/RolePermission.ts'
import { User } from '../../../models/User.ts'
import { UserRole } from '../../../models/UserRole.ts'
import type { Database } from '../../infra/mongo.ts'
import { conflict } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import { type StandardRole, standardPermissions, standardRoles } from '../../policies/permissions.ts'
import { isDuplicate } from '../shared/duplicates.ts'
import type { Rights } from './rights.ts'

export interface Roles {
  /**
   * Makes the standard roles and permissions where they are missing. What a standard role was given or lost since stays
   * so: only a permission that is new is given to the roles that get it from the start.
   */
  seed(): Promise<void>
  /** Gives a user a standard role. */
  assign(userId: string, role: StandardRole, transaction?: mongo.ClientSession): Promise<void>
  /**
   * Makes an admin of a user, or a plain user of an admin, with the role that goes with it, and notes it for all instances
   * (call `rights.tell` after the commit). Throws `conflict` where nobody else would run the service.
   */
  setAdmin(userId: string, isAdmin: boolean, transaction: mongo.ClientSession): Promise<void>
  /**
   * Throws `conflict` where the user is the only admin who is not suspended. Notes a change of the user's rights, so that
   * of two such transactions at the same time one is done again after the other.
   */
  keepAnAdmin(userId: string, transaction: mongo.ClientSession): Promise<void>
  /** A user's roles and what they permit; at most 100 roles and 1,000 permissions. */
  of(userId: string): Promise<{ roles: RoleWire[]; permissions: PermissionWire[] }>
}

export function createRoles({ database, rights }: { database: Database; rights: Rights }): Roles {
  const roles = database.collection(Role)
  const permissions = database.collection(Permission)
  const users = database.collection(User)

  /** Returns whether anything was. */
  async function seedMissing(): Promise<boolean> {
    const [knownRoles, known] = await Promise.all([
      roles.find({ name: { $in: Object.keys(standardRoles) } }).toArray(),
      permissions.find({}, { projection: { action: 1, resource: 1 } }).toArray(),
    ])
    const now = new Date()
    const made: RoleDoc[] = Object.entries(standardRoles)
      .filter(([name]) => !knownRoles.some((role) => role.name === name))
      .map(([name, description]) => ({ _id: newId(), name, description, createdAt: now }))
    const keys = new Set(known.map(({ action, resource }) => `${action}:${resource}`))
    const missing = standardPermissions.filter(({ action, resource }) => !keys.has(`${action}:${resource}`))
    if (made.length === 0 && missing.length === 0) return false
    const roleIds = new Map([...knownRoles, ...made].map(({ name, _id }) => [name, _id]))
    await database.transaction(async (session) => {
      if (made.length > 0) await roles.insertMany(made, { session })
      for (const { action, resource, description, moderator } of missing) {
        const permissionId = newId()
        await permissions.insertOne(
          { _id: permissionId, action, resource, description, createdAt: now, updatedAt: null },
          { session },
        )
        const holders = (moderator ? ['admin', 'moderator'] : ['admin']).map((name) => roleIds.get(name)!)
        await database.collection(RolePermission).insertMany(
          holders.map((roleId) => ({ _id: newId(), roleId, permissionId, createdAt: now })),
          { session },
        )
      }
      await rights.note(null, session)
    })
    return true
  }

  const self: Roles = {
    async seed() {
      for (let attempt = 1; ; attempt++) {
        try {
          if (await seedMissing()) await rights.tell()
          return
        } catch (error) {
          // Another instance was faster: look again at what is missing.
          if (!isDuplicate(error) || attempt >= 5) throw error
        }
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
    async setAdmin(userId, isAdmin, session) {
      if (isAdmin) {
        await self.assign(userId, 'admin', session)
        await rights.note([userId], session)
      } else {
        await self.keepAnAdmin(userId, session)
        const role = await roles.findOne({ name: 'admin' }, { session, projection: { _id: 1 } })
        if (role) await database.collection(UserRole).deleteOne({ userId, roleId: role._id }, { session })
      }
      await users.updateOne(
        { _id: userId },
        { $set: { role: isAdmin ? 'admin' : 'user', updatedAt: new Date() } },
        { session },
      )
    },
    async keepAnAdmin(userId, session) {
      await rights.note([userId], session)
      const user = await users.findOne({ _id: userId }, { session, projection: { role: 1, bannedAt: 1 } })
      if (user?.role !== 'admin' || user.bannedAt) return
      const other = await users.findOne(
        { _id: { $ne: userId }, role: 'admin', bannedAt: null },
        { session, projection: { _id: 1 } },
      )
      if (!other) throw conflict('This is the only admin: make another one first')
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
      const permitted = await permissions
        .find({ _id: { $in: links.map((link) => link.permissionId) } })
        .sort({ resource: 1, action: 1 })
        .toArray()
      return {
        roles: found.map((role) => Role.toWire(role)),
        permissions: permitted.map((permission) => Permission.toWire(permission)),
      }
    },
  }
  return self
}
