import type { PermissionWire } from '../../../models/Permission.ts'
import { Profile, type ProfileDoc, type ProfileWire } from '../../../models/Profile.ts'
import type { RoleWire } from '../../../models/Role.ts'
import { Session, type SessionDoc, type SessionWire } from '../../../models/Session.ts'
import { User, type UserDoc, type UserWire } from '../../../models/User.ts'
import type { Config } from '../../config.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { addressKey } from '../../kernel/address.ts'
import { AppError, conflict, forbidden, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Bus, Logger, Mailer } from '../../kernel/ports.ts'
import { type RateLimiter, rates } from '../../kernel/rate.ts'
import type { StandardRole } from '../../policies/permissions.ts'
import { isDuplicate } from '../shared/duplicates.ts'
import { type Audit, createAudit } from './audit.ts'
import { createBackground } from './background.ts'
import { type Bots, createBots } from './bots.ts'
import { createOperator, type Operator } from './operator.ts'
import { createPasswords, type PasswordOptions } from './passwords.ts'
import { createProfiles, type Profiles } from './profiles.ts'
import { createRecovery, type Recovery } from './recovery.ts'
import { createRights, type Rights } from './rights.ts'
import { createRoles, type Roles } from './roles.ts'
import type { OpenSession } from './rotation.ts'
import { createSessions, type Origin, type Sessions } from './sessions.ts'
import { accessSeconds, createTokens } from './tokens.ts'
import { createUsers, type Users } from './users.ts'

/** What registering and logging in answer. */
interface SignedIn extends TokenPair {
  user: UserWire
  profile: ProfileWire
  session: SessionWire
}

interface TokenPair {
  accessToken: string
  refreshToken: string
  /** Life of the access token, in seconds. */
  expiresIn: number
}

interface Me {
  user: UserWire
  profile: ProfileWire
  roles: RoleWire[]
  permissions: PermissionWire[]
}

export interface Accounts {
  /** Makes an account and logs it in. Throws `conflict` where the e-mail has one. */
  register(input: { email: string; password: string; displayName: string }, origin: Origin): Promise<SignedIn>
  /** Throws `unauthenticated` alike for a wrong password and an unknown e-mail, `rate_limited` after ten in 5 min. */
  login(input: { email: string; password: string }, origin: Origin): Promise<SignedIn>
  /** A new pair for a refresh token, which works once; `repeats`: the same again for a moment. Throws `unauthenticated`. */
  refresh(refreshToken: string, origin: Origin, options?: { repeats?: boolean }): Promise<TokenPair>
  /** Revokes the bearer's session, or the one that a refresh token names. Throws `unauthenticated`. */
  logout(actor: Actor | null, refreshToken: string | undefined, origin: Origin): Promise<void>
  me(actor: Actor): Promise<Me>
  /** Whose token it is, a person's or a bot's. Throws `unauthenticated`, or `unavailable` where that can't be told. */
  authenticate(token: string): Promise<Actor>
  sessions: Sessions
  /** Writes what matters for security, moderation and deletion down; for all services. */
  audit: Audit
  /** What roles permit, and who notices when that changes. */
  rights: Rights
  roles: Roles
  /** The accounts, for those who run the service. */
  users: Users
  bots: Bots
  profiles: Profiles
  recovery: Recovery
  operator: Operator
  /** Makes the standard roles, their permissions and the configured admin where missing, and begins to watch for ended sessions. */
  start(): Promise<void>
  /** Ends what runs, after mails under way; within 7 s. */
  close(): Promise<void>
}

export interface AccountsDeps {
  database: Database
  bus: Bus
  mailer: Mailer
  log: Logger
  limiter: RateLimiter
  /** What tokens are signed with; the first signs, all verify. */
  secrets: string[]
  config: Pick<Config, 'publicUrl' | 'admin'>
  passwords?: PasswordOptions
  /** How often the database is asked for revocations, in milliseconds. */
  pollMs?: number
}

/** Accounts: who there is, how they prove it, and for how long that holds. */
export function createAccounts(deps: AccountsDeps): Accounts {
  const { database, log, limiter, config } = deps
  const users = database.collection(User)
  const tokens = createTokens(deps.secrets)
  const passwords = createPasswords(deps.passwords)
  const background = createBackground(log)
  const audit = createAudit(database)
  const rights = createRights({ database, bus: deps.bus, log, pollMs: deps.pollMs ?? 500 })
  const sessions = createSessions({ database, audit, rights, bus: deps.bus, log, tokens, pollMs: deps.pollMs })
  const bots = createBots({ database, sessions, audit })
  const profiles = createProfiles(database, audit)
  const roles = createRoles({ database, rights })
  const recovery = createRecovery({
    database,
    sessions,
    passwords,
    audit,
    background,
    mailer: deps.mailer,
    limiter,
    log,
    publicUrl: config.publicUrl,
  })

  const pair = (user: Pick<UserDoc, '_id' | 'role'>, { session, refreshToken }: OpenSession): TokenPair => ({
    accessToken: tokens.signAccess({ sub: user._id, sid: session._id, role: user.role }),
    refreshToken,
    expiresIn: accessSeconds,
  })

  /** Stores a user with profile and role, logged in where an origin is given. Throws `conflict`. */
  async function insertUser(user: UserDoc, displayName: string, role: StandardRole, origin: Origin | null) {
    const name = displayName.trim()
    const profile: ProfileDoc = {
      _id: newId(),
      userId: user._id,
      displayName: name,
      nameKey: name.toLowerCase(),
      createdAt: user.createdAt,
      updatedAt: null,
    }
    try {
      return await database.transaction(async (transaction) => {
        await users.insertOne(user, { session: transaction })
        await database.collection(Profile).insertOne(profile, { session: transaction })
        await roles.assign(user._id, role, transaction)
        await audit.record(origin ? 'UserRegister' : 'AdminCreate', user._id, { ...origin }, transaction)
        return { profile, opened: origin && (await sessions.open(user._id, origin, transaction)) }
      })
    } catch (error) {
      if (isDuplicate(error)) throw conflict('There is an account with this e-mail address')
      throw error
    }
  }

  const newUser = (email: string, passwordHash: string, role: 'user' | 'admin'): UserDoc => ({
    _id: newId(),
    email,
    emailKey: email.toLowerCase(),
    passwordHash,
    role,
    isVerified: role === 'admin',
    createdAt: new Date(),
    updatedAt: null,
    bannedAt: null,
  })

  /** Makes a hash of an older kind anew, unless the password was changed meanwhile. */
  async function renewHash(user: UserDoc, password: string) {
    const passwordHash = await passwords.hash(password)
    await users.updateOne({ _id: user._id, passwordHash: user.passwordHash }, { $set: { passwordHash } })
  }

  const operator = createOperator({
    database,
    sessions,
    roles,
    rights,
    audit,
    log,
    async insertAdmin(email, password) {
      const user = newUser(email, await passwords.hash(password), 'admin')
      await insertUser(user, 'Admin', 'admin', null)
      return user
    },
  })

  return {
    sessions,
    audit,
    rights,
    roles,
    users: createUsers({ database, sessions, rights, roles, audit }),
    bots,
    profiles,
    recovery,
    operator,
    async register({ email, password, displayName }, origin) {
      const taken = await users.findOne({ emailKey: email.toLowerCase() }, { projection: { _id: 1 } })
      if (taken) throw conflict('There is an account with this e-mail address')
      const user = newUser(email, await passwords.hash(password), 'user')
      const { profile, opened } = await insertUser(user, displayName, 'user', origin)
      recovery.sendVerification(user._id)
      return {
        user: User.toWire(user),
        profile: Profile.toWire(profile),
        session: Session.toWire(opened!.session),
        ...pair(user, opened!),
      }
    },
    async login({ email, password }, origin) {
      const emailKey = email.toLowerCase()
      const guesser = `${emailKey} ${addressKey(origin.ipAddress)}`
      await limiter.consume('login', rates.guess, guesser)
      const wrong = () => new AppError('unauthenticated', 'The e-mail address or the password is wrong')
      const user = await users.findOne({ emailKey })
      if (!(await passwords.verify(password, user?.passwordHash)) || !user) {
        log.info({ ipAddress: origin.ipAddress, known: user !== null }, 'Log-in failed')
        if (user) background.run('audit', () => audit.record('UserLoginFailed', user._id, origin))
        throw wrong()
      }
      if (user.bannedAt) throw forbidden('This account is suspended')
      await limiter.forgive('login', rates.guess, guesser)
      if (passwords.outdated(user.passwordHash!)) await renewHash(user, password)
      const opened = await sessions.open(user._id, origin)
      // A reset or ban may have come while the password was checked, and have missed the session just opened.
      const now = await users.findOne({ _id: user._id })
      const still = now && !now.bannedAt && (await stillFits(now, user, password))
      if (!still) {
        await sessions.revoke({ _id: opened.session._id })
        throw wrong()
      }
      await audit.record('UserLogin', user._id, { sessionId: opened.session._id, ...origin })
      const profile = await profiles.of(user._id)
      return { user: User.toWire(now), profile, session: Session.toWire(opened.session), ...pair(now, opened) }
    },
    async refresh(refreshToken, origin, { repeats = false } = {}) {
      const reused = async ({ userId, _id: sessionId }: SessionDoc) => {
        log.warn({ userId, sessionId }, 'A refresh token came twice; session revoked')
        await audit.record('SessionReuse', userId, { sessionId, ...origin })
      }
      const opened = await sessions.rotate(refreshToken, { repeats, reused })
      const user = await users.findOne({ _id: opened.session.userId }, { projection: { role: 1, bannedAt: 1 } })
      if (!user || user.bannedAt) throw new AppError('unauthenticated', 'The session has ended')
      return pair(user, opened)
    },
    async logout(actor, refreshToken, origin) {
      const named = actor || refreshToken === undefined ? null : await sessions.named(refreshToken)
      const userId = actor?.userId ?? named?.userId
      const sessionId = actor?.sessionId ?? named?._id
      if (!userId || !sessionId) throw new AppError('unauthenticated', 'This needs a token')
      const revoked = await sessions.revoke({ _id: sessionId })
      if (revoked.length > 0) await audit.record('UserLogout', userId, { sessionId, ...origin })
    },
    async me(actor) {
      const [user, profile, held] = await Promise.all([
        users.findOne({ _id: actor.userId }),
        profiles.of(actor.userId),
        roles.of(actor.userId),
      ])
      if (!user) throw notFound('User')
      return { user: User.toWire(user), profile, ...held }
    },
    async authenticate(token) {
      if (token.startsWith('ppb_')) return bots.authenticate(token)
      const claims = tokens.verifyAccess(token)
      const actor = await sessions.actor(claims.sid)
      if (actor.userId !== claims.sub) throw new AppError('unauthenticated', 'The token is not valid')
      return actor
    },
    async start() {
      await roles.seed()
      await operator.ensureAdmin(config.admin)
      await rights.start()
      await sessions.start()
    },
    async close() {
      await sessions.close()
      await rights.close()
      await background.idle(5_000)
    },
  }

  /** Whether the password that was checked is still the account's, be it under a hash made anew. */
  async function stillFits(now: UserDoc, before: UserDoc, password: string): Promise<boolean> {
    return now.passwordHash === before.passwordHash || passwords.verify(password, now.passwordHash)
  }
}
