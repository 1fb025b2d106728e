import { Role, type RoleDoc, type RoleWire } from '../../../models/Role.ts'
import { RolePermission } from '../../../models/RolePermission.ts'
import { UserRole } from '../../../models/UserRole.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { conflict, forbidden, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import { rightsPolicy } from '../../policies/rights.ts'
import type { Audit } from '../accounts/audit.ts'
import type { Rights } from '../accounts/rights.ts'
import { isDuplicate } from '../shared/duplicates.ts'
import { pageByKey } from '../shared/pages.ts'
import { toUpdate } from '../shared/patches.ts'
import { permittedBy } from './links.ts'

export interface RightsAdminDeps {
  database: Database
  rights: Rights
  audit: Audit
}

/** All of them are held in memory by every instance. */
const mostRoles = 500
const taken = () => conflict('There is a role of this name')

/** The roles, as those see them who may change them. */
export function createRoleAdmin({ database, rights, audit }: RightsAdminDeps) {
  const roles = database.collection(Role)

  async function find(roleId: string): Promise<RoleDoc> {
    const role = await roles.findOne({ _id: roleId })
    if (!role) throw notFound('Role')
    return role
  }

  return {
    list: (page: PageRequest): Promise<Page<RoleWire>> =>
      pageByKey(roles as never, 'name' as never, {}, page, (role: RoleDoc) => Role.toWire(role)),

    async get(roleId: string): Promise<RoleWire> {
      return Role.toWire(await find(roleId))
    },

    /** Throws `conflict` where the name is taken, or there are 500 roles. */
    async create(
      actor: Actor,
      { name, description }: { name: string; description?: string | undefined },
    ): Promise<RoleWire> {
      const role: RoleDoc = {
        _id: newId(),
        name: name.trim(),
        ...(description !== undefined && { description }),
        createdAt: new Date(),
      }
      if ((await roles.countDocuments({}, { limit: mostRoles })) >= mostRoles) {
        throw conflict(`There are ${mostRoles} roles; delete one first`)
      }
      try {
        await database.transaction(async (session) => {
          await roles.insertOne(role, { session })
          await audit.record('RoleCreate', actor.userId, { roleId: role._id, name: role.name }, session)
        })
      } catch (error) {
        throw isDuplicate(error) ? taken() : error
      }
      return Role.toWire(role)
    },

    /** Changes the fields given; null takes the description away. Throws `conflict` for the name of a standard role. */
    async update(
      actor: Actor,
      roleId: string,
      { name, description }: { name?: string | undefined; description?: string | null | undefined },
    ): Promise<RoleWire> {
      try {
        return await database.transaction(async (session) => {
          const before = await roles.findOne({ _id: roleId }, { session })
          if (!before) throw notFound('Role')
          const renamed = name !== undefined && name.trim() !== before.name
          if (renamed && rightsPolicy.isStandardRole(before.name)) throw conflict('A standard role keeps its name')
          if (!rightsPolicy.handOut(actor, await permittedBy(database, roleId, session))) throw beyond()
          const role = await roles.findOneAndUpdate(
            { _id: roleId },
            toUpdate({ name: renamed ? name.trim() : undefined, description }),
            { session, returnDocument: 'after' },
          )
          await audit.record('RoleUpdate', actor.userId, { roleId, ...(renamed && { name: name.trim() }) }, session)
          return Role.toWire(role!)
        })
      } catch (error) {
        throw isDuplicate(error) ? taken() : error
      }
    },

    /** Deletes a role, and takes it from all who have it. Throws `conflict` for a standard role. */
    async remove(actor: Actor, roleId: string): Promise<void> {
      await database.transaction(async (session) => {
        const role = await roles.findOne({ _id: roleId }, { session })
        if (!role) throw notFound('Role')
        if (rightsPolicy.isStandardRole(role.name)) throw conflict('A standard role stays')
        if (!rightsPolicy.handOut(actor, await permittedBy(database, roleId, session))) throw beyond()
        await roles.deleteOne({ _id: roleId }, { session })
        await database.collection(RolePermission).deleteMany({ roleId }, { session })
        await database.collection(UserRole).deleteMany({ roleId }, { session })
        await audit.record('RoleDelete', actor.userId, { roleId, name: role.name }, session)
        // A role that permits nothing: who still has it in memory gets nothing by it.
        await rights.note(null, session)
      })
      await rights.tell()
    },
  }
}

export const beyond = () => forbidden('This goes beyond what you may do yourself')
export type RoleAdmin = ReturnType<typeof createRoleAdmin>
