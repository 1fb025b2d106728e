import { User, type UserDoc } from '../../../models/User.ts'
import type { Config } from '../../config.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { AppError, conflict, forbidden, notFound } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/ports.ts'
import type { Audit } from './audit.ts'
import type { Rights } from './rights.ts'
import type { Roles } from './roles.ts'
import type { Sessions } from './sessions.ts'
import { randomSecret } from './tokens.ts'

/** What `makeAdmin` found and did. */
interface AdminMade {
  outcome: 'made' | 'promoted' | 'unchanged'
  userId: string
  /** Of a new account, where none was given; shown this once. */
  password: string | null
}

/** What those who run the server do to accounts, from the command line, without a session of their own. */
export interface Operator {
  /** The account of an e-mail address, as one who acts. Throws `not_found`, or `forbidden` where it is suspended. */
  actorOf(email: string): Promise<Actor>
  /**
   * Makes an admin account, or an admin of the account that there is, which keeps its password. Instances learn of a
   * promotion within 1 s. Throws `conflict` for a bot's account or a suspended one.
   */
  makeAdmin(email: string, password: string | undefined): Promise<AdminMade>
  /** Ends all of a person's sessions, on every instance within 1 s. Returns how many there were. */
  endSessions(userId: string): Promise<number>
  /** Makes the admin of the configuration where there is no such account. */
  ensureAdmin(admin: Config['admin']): Promise<void>
}

export interface OperatorDeps {
  database: Database
  sessions: Sessions
  roles: Roles
  rights: Rights
  audit: Audit
  log: Logger
  /** Stores a new admin account. Throws `conflict` where there is one. */
  insertAdmin(email: string, password: string): Promise<UserDoc>
}

export function createOperator({ database, sessions, roles, rights, audit, log, insertAdmin }: OperatorDeps): Operator {
  const users = database.collection(User)
  const find = (email: string) => users.findOne({ emailKey: email.toLowerCase() })
  const makePassword = () => randomSecret().slice(0, 24)

  return {
    async actorOf(email) {
      const user = await find(email)
      if (!user) throw notFound('User')
      if (user.bannedAt) throw forbidden('This account is suspended')
      return { userId: user._id, sessionId: '', role: user.role }
    },

    async makeAdmin(email, given) {
      const known = await find(email)
      if (!known) {
        const password = given ?? makePassword()
        const { _id: userId } = await insertAdmin(email, password)
        return { outcome: 'made', userId, password: given === undefined ? password : null }
      }
      if (known.botOwnerId) throw conflict('This is the account of a bot')
      if (known.bannedAt) throw conflict('This account is suspended')
      if (known.role === 'admin') return { outcome: 'unchanged', userId: known._id, password: null }
      await database.transaction(async (session) => {
        await roles.setAdmin(known._id, true, session)
        await audit.record('AdminPromote', known._id, {}, session)
      })
      await rights.tell()
      return { outcome: 'promoted', userId: known._id, password: null }
    },

    async endSessions(userId) {
      const ended = await sessions.revoke({ userId })
      if (ended.length > 0) await audit.record('SessionRevoke', userId, { count: ended.length })
      return ended.length
    },

    async ensureAdmin(admin) {
      if (!admin) return
      const { email } = admin
      const known = await find(email)
      if (known) {
        if (known.role !== 'admin')
          log.warn({ email }, 'ADMIN_EMAIL has an account that is not an admin; left as it is')
        return
      }
      const password = admin.password ?? makePassword()
      try {
        await insertAdmin(email, password)
      } catch (error) {
        // Another instance was faster: its password holds.
        if (error instanceof AppError && error.code === 'conflict') return
        throw error
      }
      if (admin.password) log.info({ email }, 'Made the admin account')
      else log.warn({ email }, `Made the admin account. Its password, shown this once: ${password}`)
    },
  }
}
