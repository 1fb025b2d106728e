import { Permission, type PermissionDoc, type PermissionWire } from '../../../models/Permission.ts'
import { Role } from '../../../models/Role.ts'
import { RolePermission } from '../../../models/RolePermission.ts'
import type { Actor } from '../../kernel/actor.ts'
import { conflict, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import { decodeCursor, type Page, type PageRequest, pageOf } from '../../kernel/page.ts'
import { rightsPolicy } from '../../policies/rights.ts'
import { isDuplicate } from '../shared/duplicates.ts'
import { toUpdate } from '../shared/patches.ts'
import { beyond, type RightsAdminDeps } from './roles.ts'

/** All of them are held in memory by every instance. */
const mostPermissions = 2_000

/** The permissions that roles can give: those that the server asks for, and those that an operator's bots do. */
export function createPermissionAdmin({ database, rights, audit }: RightsAdminDeps) {
  const permissions = database.collection(Permission)

  return {
    /** By resource and action, of one resource or action where given. */
    async list(
      filter: { resource?: string | undefined; action?: string | undefined },
      { limit, cursor }: PageRequest,
    ): Promise<Page<PermissionWire>> {
      const after = decodeCursor(cursor, ['string', 'string'])
      const rows = await permissions
        .find({
          $and: [
            { ...(filter.resource && { resource: filter.resource }), ...(filter.action && { action: filter.action }) },
            after ? { $or: [{ resource: { $gt: after[0] } }, { resource: after[0], action: { $gt: after[1] } }] } : {},
          ],
        })
        .sort({ resource: 1, action: 1 })
        .limit(limit + 1)
        .toArray()
      return pageOf(
        rows,
        limit,
        ({ resource, action }) => [resource, action],
        (row) => Permission.toWire(row),
      )
    },

    async get(permissionId: string): Promise<PermissionWire> {
      const permission = await permissions.findOne({ _id: permissionId })
      if (!permission) throw notFound('Permission')
      return Permission.toWire(permission)
    },

    /** Makes a permission; admins hold it from the start. Throws `conflict` where it is there, or there are 2,000. */
    async create(
      actor: Actor,
      input: { action: string; resource: string; description?: string | undefined },
    ): Promise<PermissionWire> {
      const { description } = input
      const permission: PermissionDoc = {
        _id: newId(),
        action: input.action.trim(),
        resource: input.resource.trim(),
        ...(description !== undefined && { description }),
        createdAt: new Date(),
        updatedAt: null,
      }
      if ((await permissions.countDocuments({}, { limit: mostPermissions })) >= mostPermissions) {
        throw conflict(`There are ${mostPermissions} permissions; delete one first`)
      }
      try {
        await database.transaction(async (session) => {
          await permissions.insertOne(permission, { session })
          const admin = await database.collection(Role).findOne({ name: 'admin' }, { session })
          if (admin) {
            await database
              .collection(RolePermission)
              .insertOne(
                { _id: newId(), roleId: admin._id, permissionId: permission._id, createdAt: permission.createdAt },
                { session },
              )
          }
          const { _id: permissionId, action, resource } = permission
          await audit.record('PermissionCreate', actor.userId, { permissionId, action, resource }, session)
          await rights.note(null, session)
        })
      } catch (error) {
        throw isDuplicate(error) ? conflict('There is such a permission') : error
      }
      await rights.tell()
      return Permission.toWire(permission)
    },

    /** Changes the description; what it permits stays. Null takes it away. */
    async update(actor: Actor, permissionId: string, description: string | null): Promise<PermissionWire> {
      return database.transaction(async (session) => {
        const before = await permissions.findOne({ _id: permissionId }, { session })
        if (!before) throw notFound('Permission')
        if (!rightsPolicy.handOut(actor, [`${before.action}:${before.resource}`])) throw beyond()
        const permission = await permissions.findOneAndUpdate({ _id: permissionId }, toUpdate({ description }), {
          session,
          returnDocument: 'after',
        })
        await audit.record('PermissionUpdate', actor.userId, { permissionId }, session)
        return Permission.toWire(permission!)
      })
    },

    /** Deletes a permission, and takes it from all roles. Throws `conflict` for one that the server asks for. */
    async remove(actor: Actor, permissionId: string): Promise<void> {
      await database.transaction(async (session) => {
        const permission = await permissions.findOne({ _id: permissionId }, { session })
        if (!permission) throw notFound('Permission')
        const { action, resource } = permission
        if (rightsPolicy.isStandardPermission(action, resource)) throw conflict('A standard permission stays')
        if (!rightsPolicy.handOut(actor, [`${action}:${resource}`])) throw beyond()
        await permissions.deleteOne({ _id: permissionId }, { session })
        await database.collection(RolePermission).deleteMany({ permissionId }, { session })
        await audit.record('PermissionDelete', actor.userId, { permissionId, action, resource }, session)
        await rights.note(null, session)
      })
      await rights.tell()
    },
  }
}
export type PermissionAdmin = ReturnType<typeof createPermissionAdmin>
