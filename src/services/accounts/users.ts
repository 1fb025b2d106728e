import { Bot } from '../../../models/Bot.ts'
import { Profile } from '../../../models/Profile.ts'
import { User, type UserDoc, type UserWire } from '../../../models/User.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { conflict, forbidden, notFound } from '../../kernel/errors.ts'
import { decodeCursor, encodeCursor, type Page, type PageRequest } from '../../kernel/page.ts'
import { accountPolicy } from '../../policies/accounts.ts'
import { beginsWith } from '../shared/pages.ts'
import type { Audit } from './audit.ts'
import type { Rights } from './rights.ts'
import type { Roles } from './roles.ts'
import type { Sessions } from './sessions.ts'

/** An account as those see it who run the service: the model's fields, and since when it is suspended. */
export type Account = UserWire & { bannedAt: string | null }

export interface UserFilter {
  /** How the display name begins or, for admins, the e-mail address. */
  q?: string | undefined
  role?: 'user' | 'admin' | undefined
  isVerified?: boolean | undefined
  banned?: boolean | undefined
}

export interface Users {
  /** Accounts, newest first. A page can hold less than its limit before the last. */
  list(actor: Actor, filter: UserFilter, page: PageRequest): Promise<Page<Account>>
  /** Throws `not_found` also for those who may not see it. */
  get(actor: Actor, userId: string): Promise<Account>
  /**
   * Makes an admin of a user or a plain user of an admin, and says whether the address is confirmed. Throws `conflict`
   * where no admin would be left, `forbidden` where the actor may not change that.
   */
  update(
    actor: Actor,
    userId: string,
    change: { role?: 'user' | 'admin' | undefined; isVerified?: boolean | undefined },
  ): Promise<Account>
  /** Shuts a user and their bots out, at once. Throws `conflict` for the last admin. */
  ban(userId: string, by: Actor): Promise<void>
  /** Lets a user log in again; the sessions that ended stay ended, bots get new tokens from their owner. */
  unban(userId: string, by: Actor): Promise<void>
}

export interface UsersDeps {
  database: Database
  sessions: Sessions
  rights: Rights
  roles: Roles
  audit: Audit
}

/** Accounts that are looked through at a time where a filter is narrow, and how often for one page. */
const chunk = 500
const mostLooks = 10

export function createUsers({ database, sessions, rights, roles, audit }: UsersDeps): Users {
  const users = database.collection(User)

  function present(actor: Actor, user: UserDoc): Account {
    const wire = User.toWire(user)
    // The model asks for an address; this one can't be written to.
    const email = accountPolicy.seeEmail(actor, user._id) ? wire.email : `${user._id.toLowerCase()}@hidden.invalid`
    return { ...wire, email, bannedAt: user.bannedAt?.toISOString() ?? null }
  }

  /** Ids of accounts that `q` finds, newest first, before an id. Whether there may be more tells the length. */
  async function find(actor: Actor, q: string, before: string | undefined, limit: number): Promise<string[]> {
    const begins = beginsWith(q)
    const below = before === undefined ? {} : { $lt: before }
    const options = { maxTimeMS: 5_000 }
    const [named, addressed] = await Promise.all([
      database
        .collection(Profile)
        .find({ nameKey: begins, ...(before !== undefined && { userId: below }) } as never, options)
        .project<{ userId: string }>({ userId: 1 })
        .sort({ userId: -1 })
        .limit(limit)
        .toArray(),
      // Who may not see addresses must not find out about them by searching, either.
      accountPolicy.seeEmail(actor, '')
        ? users
            .find({ emailKey: begins, ...(before !== undefined && { _id: below }) } as never, options)
            .project<{ _id: string }>({ _id: 1 })
            .sort({ _id: -1 })
            .limit(limit)
            .toArray()
        : [],
    ])
    const ids = new Set([...named.map(({ userId }) => userId), ...addressed.map(({ _id }) => _id)])
    return [...ids].sort().reverse().slice(0, limit)
  }

  async function read(userId: string): Promise<UserDoc> {
    const user = await users.findOne({ _id: userId })
    if (!user) throw notFound('User')
    return user
  }

  return {
    async list(actor, { q, role, isVerified, banned }, { limit, cursor }) {
      const filter = {
        ...(role && { role }),
        ...(isVerified !== undefined && { isVerified }),
        ...(banned !== undefined && { bannedAt: banned ? { $ne: null } : null }),
      }
      let [before] = decodeCursor(cursor, ['string']) ?? []
      const items: Account[] = []
      for (let look = 0; look < mostLooks; look++) {
        const ids = q?.trim() ? await find(actor, q, before, chunk) : null
        const rows = await users
          .find(
            {
              $and: [filter, ids ? { _id: { $in: ids } } : before === undefined ? {} : { _id: { $lt: before } }],
            } as never,
            { maxTimeMS: 5_000 },
          )
          .sort({ _id: -1 })
          .limit(limit - items.length + 1)
          .toArray()
        for (const row of rows) {
          if (items.length === limit) return { items, nextCursor: encodeCursor([items.at(-1)!.id]) }
          items.push(present(actor, row))
        }
        if (!ids || ids.length < chunk) return { items, nextCursor: null }
        before = ids.at(-1)!
      }
      return { items, nextCursor: encodeCursor([before!]) }
    },

    async get(actor, userId) {
      if (!accountPolicy.see(actor, userId)) throw notFound('User')
      return present(actor, await read(userId))
    },

    async update(actor, userId, { role, isVerified }) {
      const updated = await database.transaction(async (session) => {
        const user = await users.findOne({ _id: userId }, { session })
        if (!user) throw notFound('User')
        if (!accountPolicy.change(actor, user)) throw forbidden('Only admins change the accounts of admins')
        const changesRole = role !== undefined && role !== user.role
        if (changesRole) {
          if (!accountPolicy.changeRole(actor)) throw forbidden('Only admins make admins')
          if (user.botOwnerId) throw conflict('Bots have scopes, not roles')
          await roles.setAdmin(userId, role === 'admin', session)
        }
        const changesVerified = isVerified !== undefined && isVerified !== user.isVerified
        if (changesVerified) {
          await users.updateOne({ _id: userId }, { $set: { isVerified, updatedAt: new Date() } }, { session })
        }
        if (!changesRole && !changesVerified) return user
        const changed = { ...(changesRole && { role }), ...(changesVerified && { isVerified }) }
        await audit.record('UserUpdate', actor.userId, { userId, ...changed }, session)
        return (await users.findOne({ _id: userId }, { session }))!
      })
      await rights.tell()
      return present(actor, updated)
    },

    async ban(userId, by) {
      const revoked = await database.transaction(async (session) => {
        const user = await users.findOne({ _id: userId }, { session })
        if (!user) throw notFound('User')
        if (!accountPolicy.ban(by, user)) throw forbidden('Nobody suspends themself, and only admins suspend admins')
        await roles.keepAnAdmin(userId, session)
        if (!user.bannedAt) {
          await users.updateOne({ _id: userId }, { $set: { bannedAt: new Date() } }, { session })
          await audit.record('UserBan', by.userId, { userId }, session)
        }
        const owned = await database.collection(Bot).find({ ownerId: userId }, { session }).toArray()
        return sessions.revokeIn({ userId: { $in: [userId, ...owned.map((bot) => bot.userId)] } }, session)
      })
      sessions.tell(revoked)
      await rights.tell()
    },

    async unban(userId, by) {
      await database.transaction(async (session) => {
        const user = await users.findOne({ _id: userId }, { session })
        if (!user) throw notFound('User')
        if (!accountPolicy.change(by, user)) throw forbidden('Only admins reinstate admins')
        if (!user.bannedAt) return
        await users.updateOne({ _id: userId }, { $set: { bannedAt: null } }, { session })
        await audit.record('UserUnban', by.userId, { userId }, session)
        await rights.note([userId], session)
      })
      await rights.tell()
    },
  }
}
