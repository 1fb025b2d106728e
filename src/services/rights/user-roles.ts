import type { mongo } from 'mongoose'
import { Role } from '../../../models/Role.ts'
import { User } from '../../../models/User.ts'
import { UserRole, type UserRoleDoc, type UserRoleWire } from '../../../models/UserRole.ts'
import type { Actor } from '../../kernel/actor.ts'
import { conflict, forbidden, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import { rightsPolicy } from '../../policies/rights.ts'
import type { Roles } from '../accounts/roles.ts'
import { isDuplicate } from '../shared/duplicates.ts'
import { pageById } from '../shared/pages.ts'
import { permittedBy } from './links.ts'
import { beyond, type RightsAdminDeps } from './roles.ts'

interface Link {
  userId: string
  roleId: string
}

/** How many of somebody's roles count. */
const mostRoles = 100

/** Who has which role. */
export function createUserRoles({ database, rights, audit, roles }: RightsAdminDeps & { roles: Roles }) {
  const links = database.collection(UserRole)

  /** The role's name. Throws where there is no such role, or the actor may not give or take it. */
  async function check(actor: Actor, roleId: string, session: mongo.ClientSession): Promise<string> {
    const role = await database.collection(Role).findOne({ _id: roleId }, { session })
    if (!role) throw notFound('Role')
    if (role.name === 'admin' && !rightsPolicy.handOutAdmin(actor)) throw forbidden('Only admins make admins')
    if (!rightsPolicy.handOut(actor, await permittedBy(database, roleId, session))) throw beyond()
    return role.name
  }

  return {
    /** Newest first, of one user or role where given. */
    list: (
      { userId, roleId }: { userId?: string | undefined; roleId?: string | undefined },
      page: PageRequest,
    ): Promise<Page<UserRoleWire>> =>
      pageById(links, { ...(userId && { userId }), ...(roleId && { roleId }) }, page, (link) => UserRole.toWire(link)),

    async get({ userId, roleId }: Link): Promise<UserRoleWire> {
      const link = await links.findOne({ userId, roleId })
      if (!link) throw notFound('Role of this user')
      return UserRole.toWire(link)
    },

    /**
     * Gives a user a role; `admin` makes an admin of them. Throws `conflict` where they have it, and for bots, `forbidden`
     * beyond what one may oneself.
     */
    async create(actor: Actor, { userId, roleId }: Link): Promise<UserRoleWire> {
      const doc: UserRoleDoc = { _id: newId(), userId, roleId, createdAt: new Date() }
      try {
        await database.transaction(async (session) => {
          const name = await check(actor, roleId, session)
          const user = await database.collection(User).findOne({ _id: userId }, { session })
          if (!user) throw notFound('User')
          if (user.botOwnerId) throw conflict('Bots have scopes, not roles')
          const given = await links.countDocuments({ userId }, { session, limit: mostRoles })
          if (given >= mostRoles) throw conflict(`A user has at most ${mostRoles} roles`)
          await links.insertOne(doc, { session })
          await audit.record('UserRoleCreate', actor.userId, { userId, roleId, role: name }, session)
          // Either notes the change, in the one document that deletions of roles and of admins write as well.
          if (name === 'admin') await roles.setAdmin(userId, true, session)
          else await rights.note([userId], session)
        })
      } catch (error) {
        throw isDuplicate(error) ? conflict('The user has this role') : error
      }
      await rights.tell()
      return UserRole.toWire(doc)
    },

    /** Takes a role from a user; `admin` makes a plain user of them. Throws `conflict` for that of the last admin. */
    async remove(actor: Actor, { userId, roleId }: Link): Promise<void> {
      await database.transaction(async (session) => {
        const name = await check(actor, roleId, session)
        const { deletedCount } = await links.deleteOne({ userId, roleId }, { session })
        if (deletedCount === 0) throw notFound('Role of this user')
        await audit.record('UserRoleDelete', actor.userId, { userId, roleId, role: name }, session)
        if (name === 'admin') await roles.setAdmin(userId, false, session)
        else await rights.note([userId], session)
      })
      await rights.tell()
    },
  }
}
export type UserRoles = ReturnType<typeof createUserRoles>
