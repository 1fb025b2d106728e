import type { mongo } from 'mongoose'
import { Permission } from '../../../models/Permission.ts'
import { Role } from '../../../models/Role.ts'
import { RolePermission, type RolePermissionDoc, type RolePermissionWire } from '../../../models/RolePermission.ts'
import type { Actor } from '../../kernel/actor.ts'
import { conflict, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import { rightsPolicy } from '../../policies/rights.ts'
import { isDuplicate } from '../shared/duplicates.ts'
import { pageById } from '../shared/pages.ts'
import { beyond, type RightsAdminDeps } from './roles.ts'

interface Link {
  roleId: string
  permissionId: string
}

/** Which role gives which permission. */
export function createRolePermissions({ database, rights, audit }: RightsAdminDeps) {
  const links = database.collection(RolePermission)

  /** Throws where the actor may not change the link, or nobody may. */
  async function check(actor: Actor, { roleId, permissionId }: Link, session: mongo.ClientSession): Promise<void> {
    const role = await database.collection(Role).findOne({ _id: roleId }, { session })
    if (!role) throw notFound('Role')
    const permission = await database.collection(Permission).findOne({ _id: permissionId }, { session })
    if (!permission) throw notFound('Permission')
    if (!rightsPolicy.handOut(actor, [`${permission.action}:${permission.resource}`])) throw beyond()
    if (role.name === 'admin') throw conflict('The role admin permits everything, always')
  }

  return {
    /** Newest first, of one role or permission where given. */
    list: (
      { roleId, permissionId }: { roleId?: string | undefined; permissionId?: string | undefined },
      page: PageRequest,
    ): Promise<Page<RolePermissionWire>> =>
      pageById(links, { ...(roleId && { roleId }), ...(permissionId && { permissionId }) }, page, (link) =>
        RolePermission.toWire(link),
      ),

    async get({ roleId, permissionId }: Link): Promise<RolePermissionWire> {
      const link = await links.findOne({ roleId, permissionId })
      if (!link) throw notFound('Permission of this role')
      return RolePermission.toWire(link)
    },

    /** Throws `conflict` where the role gives it already, and for the role admin; `forbidden` beyond one's own. */
    async create(actor: Actor, link: Link): Promise<RolePermissionWire> {
      const doc: RolePermissionDoc = { _id: newId(), ...link, createdAt: new Date() }
      try {
        await database.transaction(async (session) => {
          await check(actor, link, session)
          await links.insertOne(doc, { session })
          await audit.record('RolePermissionCreate', actor.userId, { ...link }, session)
          // Who deletes the role or the permission writes here as well, so that no link outlives either.
          await rights.note(null, session)
        })
      } catch (error) {
        throw isDuplicate(error) ? conflict('The role gives this permission') : error
      }
      await rights.tell()
      return RolePermission.toWire(doc)
    },

    async remove(actor: Actor, link: Link): Promise<void> {
      await database.transaction(async (session) => {
        await check(actor, link, session)
        const { deletedCount } = await links.deleteOne({ ...link }, { session })
        if (deletedCount === 0) throw notFound('Permission of this role')
        await audit.record('RolePermissionDelete', actor.userId, { ...link }, session)
        await rights.note(null, session)
      })
      await rights.tell()
    },
  }
}
export type RolePermissions = ReturnType<typeof createRolePermissions>
