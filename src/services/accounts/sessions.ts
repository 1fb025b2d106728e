import { isIPv4 } from 'node:net'
import type { mongo } from 'mongoose'
import { Bot } from '../../../models/Bot.ts'
import { Session, type SessionDoc, type SessionWire } from '../../../models/Session.ts'
import { User } from '../../../models/User.ts'
import { UserRole } from '../../../models/UserRole.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor, Scope } from '../../kernel/actor.ts'
import { AppError, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import type { Bus, Logger } from '../../kernel/ports.ts'
import { pageById } from '../shared/pages.ts'
import type { Audit } from './audit.ts'
import { createRevocations, type RevocationHandler } from './revocations.ts'
import type { Rights } from './rights.ts'
import { createRotation, liveSession, type OpenSession, type Rotation } from './rotation.ts'
import { refreshSeconds, sha256, type Tokens } from './tokens.ts'

/** Where a request came from, as sessions and the audit log keep it. */
export interface Origin {
  ipAddress: string | undefined
  userAgent: string | undefined
}

export interface Sessions extends Rotation {
  /** Makes a session of a person, within a transaction where one is given. */
  open(userId: string, origin: Origin, transaction?: mongo.ClientSession): Promise<OpenSession>
  /** Makes the standing session of a bot. */
  openBot(userId: string, botId: string, transaction: mongo.ClientSession): Promise<SessionDoc>
  /** The session of a refresh token, present or former; null for anything else. */
  named(refreshToken: string): Promise<SessionDoc | null>
  /** The id of the standing session of a bot. */
  ofBot(botId: string): Promise<string | undefined>
  /** Who a session makes its bearer. Throws `unauthenticated` when it is revoked, expired, or its user banned. */
  actor(sessionId: string): Promise<Actor>
  list(userId: string, page: PageRequest): Promise<Page<SessionWire>>
  /** Revokes one of a user's own sessions. Throws `not_found`. */
  revokeOwn(userId: string, sessionId: string, origin: Origin): Promise<void>
  /** Revokes the sessions that match and are not revoked yet, and tells every instance. Returns their ids. */
  revoke(filter: mongo.Filter<SessionDoc>): Promise<string[]>
  /** The same within a transaction; call `tell` with the ids once it has committed. */
  revokeIn(filter: mongo.Filter<SessionDoc>, transaction: mongo.ClientSession): Promise<string[]>
  tell(sessionIds: string[]): void
  /** Called once for each session that ended, on whichever instance, within a second. */
  onRevoked(handler: RevocationHandler): void
  start(): Promise<void>
  close(): Promise<void>
}

export interface SessionDeps {
  database: Database
  audit: Audit
  rights: Rights
  bus: Bus
  log: Logger
  tokens: Tokens
  /** How often the database is asked for revocations, in milliseconds. */
  pollMs?: number
}

interface Known {
  actor: Actor
  expiresAt: number
  checkedAt: number
  touchedAt: number
}

const mostKnown = 50_000
const mostTouched = 10_000
/** Roles of one user that count. */
const mostRoles = 100
/** For how long a session's user and role are taken from memory, in milliseconds. */
const freshMs = 30_000
const touchMs = 60_000
export function createSessions({ database, audit, rights, bus, log, tokens, pollMs = 500 }: SessionDeps): Sessions {
  const sessions = database.collection(Session)
  const revocations = createRevocations({ database, bus, log, pollMs, afterPoll: flushTouched })
  const known = new Map<string, Known>()
  const loading = new Map<string, Promise<Known>>()
  const touched = new Set<string>()
  revocations.onRevoked((sessionId) => {
    known.delete(sessionId)
  })
  rights.onChanged((userIds) => {
    if (userIds === null) known.clear()
    else for (const [sessionId, { actor }] of known) if (userIds.has(actor.userId)) known.delete(sessionId)
  })

  const ended = () => new AppError('unauthenticated', 'The session has ended')

  /** Loads a session; again where rights changed meanwhile, as what was read may be older than the change. */
  async function load(sessionId: string): Promise<Known> {
    for (let attempt = 1; ; attempt++) {
      const generation = rights.generation()
      const entry = await read(sessionId)
      if (generation === rights.generation()) return entry
      // Good for this once, as of when it was asked for; whoever asks next looks again.
      if (attempt >= 3) return { ...entry, checkedAt: Number.NEGATIVE_INFINITY }
    }
  }

  async function read(sessionId: string): Promise<Known> {
    const checkedAt = performance.now()
    const session = await sessions.findOne(liveSession(sessionId))
    if (!session) throw ended()
    const [user, bot, given] = await Promise.all([
      database.collection(User).findOne({ _id: session.userId }, { projection: { role: 1, bannedAt: 1 } }),
      session.botId ? database.collection(Bot).findOne({ _id: session.botId }, { projection: { scopes: 1 } }) : null,
      session.botId ? [] : database.collection(UserRole).find({ userId: session.userId }).limit(mostRoles).toArray(),
    ])
    if (!user || user.bannedAt || (session.botId && !bot)) throw ended()
    const roleIds = given.map(({ roleId }) => roleId).sort()
    const actor: Actor = {
      userId: session.userId,
      sessionId,
      role: bot ? 'user' : user.role,
      // Asked anew each time: what a role permits can change while somebody holds an actor.
      get permits() {
        return rights.permitsOf(roleIds)
      },
    }
    if (bot) actor.bot = { id: bot._id, scopes: new Set<Scope>(bot.scopes) }
    return {
      actor,
      expiresAt: session.expiresAt ? session.expiresAt.getTime() : Number.POSITIVE_INFINITY,
      checkedAt,
      touchedAt: known.get(sessionId)?.touchedAt ?? Number.NEGATIVE_INFINITY,
    }
  }

  /** Loads a session once for all who ask meanwhile. */
  function loadShared(sessionId: string): Promise<Known> {
    let load_ = loading.get(sessionId)
    if (!load_) {
      load_ = load(sessionId).finally(() => loading.delete(sessionId))
      loading.set(sessionId, load_)
    }
    return load_
  }

  function remember(sessionId: string, entry: Known) {
    known.delete(sessionId)
    known.set(sessionId, entry)
    if (known.size > mostKnown) known.delete(known.keys().next().value as string)
  }

  /** Writes down at most once a minute that a session was active. */
  function touch(sessionId: string, entry: Known) {
    const now = performance.now()
    if (now - entry.touchedAt < touchMs || touched.size >= mostTouched) return
    entry.touchedAt = now
    touched.add(sessionId)
  }

  async function flushTouched() {
    if (touched.size === 0) return
    const ids = [...touched]
    touched.clear()
    await sessions.updateMany(
      { _id: { $in: ids }, $expr: { $lt: ['$lastActiveAt', { $subtract: ['$$NOW', touchMs] }] } },
      [{ $set: { lastActiveAt: '$$NOW' } }],
      // A lost mark of activity harms nobody.
      { writeConcern: { w: 1 } },
    )
  }

  async function revokeIn(filter: mongo.Filter<SessionDoc>, transaction?: mongo.ClientSession): Promise<string[]> {
    const options = { session: transaction }
    const found = await sessions.find({ ...filter, revokedAt: null } as never, { ...options, projection: { _id: 1 } })
    const ids = (await found.toArray()).map((session) => session._id)
    if (ids.length > 0) {
      await sessions.updateMany({ _id: { $in: ids }, revokedAt: null }, [{ $set: { revokedAt: '$$NOW' } }], options)
    }
    return ids
  }

  function fresh(userId: string, origin: Origin): SessionDoc {
    const now = new Date()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it takes out
    const userAgent = origin.userAgent?.replace(/[\u0000-\u001f\u007f]/g, '').slice(0, 512)
    return {
      _id: newId(),
      userId,
      // The model knows IPv4 alone.
      ...(origin.ipAddress && isIPv4(origin.ipAddress) && { ipAddress: origin.ipAddress }),
      ...(userAgent && { userAgent }),
      createdAt: now,
      lastActiveAt: now,
      expiresAt: null,
      revokedAt: null,
    }
  }

  const rotation = createRotation({
    database,
    tokens,
    onRotated: (sessionId) => void known.delete(sessionId),
    revoke: (sessionId) => self.revoke({ _id: sessionId }),
  })

  const self: Sessions = {
    ...rotation,
    async open(userId, origin, transaction) {
      const session = fresh(userId, origin)
      const refreshToken = tokens.makeRefresh(session._id)
      session.refreshHash = sha256(refreshToken)
      session.expiresAt = new Date(Date.now() + refreshSeconds * 1000)
      await sessions.insertOne(session, { session: transaction })
      return { session, refreshToken }
    },
    async openBot(userId, botId, transaction) {
      const session = { ...fresh(userId, { ipAddress: undefined, userAgent: undefined }), botId }
      await sessions.insertOne(session, { session: transaction })
      return session
    },
    async named(refreshToken) {
      const named = tokens.readRefresh(refreshToken)
      if (!named) return null
      const session = await sessions.findOne({ _id: named.sessionId })
      return session && (named.ours || session.refreshHash === sha256(refreshToken)) ? session : null
    },
    async ofBot(botId) {
      const session = await sessions.findOne({ botId, revokedAt: null }, { projection: { _id: 1 } })
      return session?._id
    },
    async actor(sessionId) {
      if (revocations.has(sessionId)) throw ended()
      let entry = known.get(sessionId)
      const usable =
        entry &&
        performance.now() - entry.checkedAt < freshMs &&
        // Cut off from the database, memory can't be trusted: what it missed may be a revocation.
        ((revocations.upToDate() && rights.upToDate()) || performance.now() - entry.checkedAt < revocations.trustMs)
      if (!entry || !usable) {
        entry = await loadShared(sessionId)
        // Revoked while it was loaded?
        if (revocations.has(sessionId)) throw ended()
        remember(sessionId, entry)
      }
      if (entry.expiresAt <= Date.now()) throw ended()
      touch(sessionId, entry)
      return entry.actor
    },
    async list(userId, { limit, cursor }) {
      const live = { $or: [{ expiresAt: null }, { expiresAt: { $gt: new Date() } }] }
      return pageById(sessions, { userId, revokedAt: null, ...live }, { limit, cursor }, (row) => Session.toWire(row))
    },
    async revokeOwn(userId, sessionId, origin) {
      const ids = await self.revoke({ _id: sessionId, userId })
      if (ids.length === 0) throw notFound('Session')
      await audit.record('SessionRevoke', userId, { sessionId, ...origin })
    },
    async revoke(filter) {
      const ids = await revokeIn(filter)
      self.tell(ids)
      return ids
    },
    revokeIn,
    tell: (ids) => revocations.announce(ids),
    onRevoked: (handler) => revocations.onRevoked(handler),
    start: () => revocations.start(),
    close: () => revocations.close(),
  }
  return self
}
