import { Session, type SessionDoc } from '../../../models/Session.ts'
import type { Database } from '../../infra/mongo.ts'
import { AppError } from '../../kernel/errors.ts'
import { refreshSeconds, sha256, type Tokens } from './tokens.ts'

/** For how long the answer to a refresh can be had again by a bearer that may have lost it, in milliseconds. */
const repeatableMs = 30_000
/**
 * For how long after it another answer can be had, where the one given was not used: its bearer was out of reach. If
 * the former token was stolen and the answer was not lost, the bearer's next refresh tells, and ends both.
 */
const renewableMs = 24 * 3600 * 1000

export interface OpenSession {
  session: SessionDoc
  refreshToken: string
}

export interface RotateOptions {
  /** Whether the bearer can lose an answer, and the last token before is answered again. */
  repeats: boolean
  /** Told of a session that ended because a former token of it was used. */
  reused(session: SessionDoc): Promise<void>
}

export interface Rotation {
  /**
   * Changes a refresh token for the next one: of two that try with the same, one gets it. A former token revokes the
   * session; `reused` is told of it. `repeats`: for a bearer that can lose an answer, as a page does that is loaded anew
   * or whose network goes, the last one before is answered again while its successor is not used: alike for half a
   * minute, then for a day with another successor. Throws `unauthenticated`.
   */
  rotate(refreshToken: string, options: RotateOptions): Promise<OpenSession>
}

export interface RotationDeps {
  database: Database
  tokens: Tokens
  /** Told of each session whose refresh token was changed. */
  onRotated(sessionId: string): void
  /** Ends a session; resolves to the ids of those that it ended. */
  revoke(sessionId: string): Promise<string[]>
}

/** A session that has neither ended nor expired, by MongoDB's clock. */
export const liveSession = (sessionId: string) => ({
  _id: sessionId,
  revokedAt: null,
  $expr: { $or: [{ $eq: ['$expiresAt', null] }, { $gt: ['$expiresAt', '$$NOW'] }] },
})

/** Whose refresh token was changed in the last so many milliseconds. */
const refreshedWithin = (ms: number) =>
  Number.isFinite(ms) ? { $expr: { $gt: ['$refreshedAt', { $subtract: ['$$NOW', ms] }] } } : {}

/** The changes of refresh tokens: of a session one alone is good at a time. */
export function createRotation({ database, tokens, onRotated, revoke }: RotationDeps): Rotation {
  const sessions = database.collection(Session)

  /** Changes a session's refresh token for another; null where it has another one, or has ended. */
  async function replace(
    sessionId: string,
    [before, after]: [before: string, after: string],
    turn: number,
    withinMs = Number.POSITIVE_INFINITY,
  ): Promise<SessionDoc | null> {
    const session = await sessions.findOneAndUpdate(
      { $and: [liveSession(sessionId), { refreshHash: sha256(before) }, refreshedWithin(withinMs)] },
      [
        {
          $set: {
            refreshHash: sha256(after),
            refreshTurn: turn,
            lastActiveAt: '$$NOW',
            refreshedAt: '$$NOW',
            expiresAt: { $add: ['$$NOW', refreshSeconds * 1000] },
          },
        },
      ],
      { returnDocument: 'after' },
    )
    if (session) onRotated(session._id)
    return session
  }

  /** Answers a former refresh token whose successor nobody has used; null where that is not so, or long ago. */
  async function repeat(sessionId: string, former: string): Promise<OpenSession | null> {
    // Of several who ask at once one makes another successor, and the rest find it.
    for (let attempt = 0; attempt < 3; attempt++) {
      const turn = (await sessions.findOne(liveSession(sessionId)))?.refreshTurn ?? 0
      const given = tokens.nextRefresh(former, turn)
      const isGiven = { refreshHash: sha256(given) }
      const recent = await sessions.findOne({ $and: [liveSession(sessionId), isGiven, refreshedWithin(repeatableMs)] })
      if (recent) return { session: recent, refreshToken: given }
      const another = tokens.nextRefresh(former, turn + 1)
      const session = await replace(sessionId, [given, another], turn + 1, renewableMs)
      if (session) return { session, refreshToken: another }
    }
    return null
  }

  async function rotate(refreshToken: string, { repeats, reused }: RotateOptions): Promise<OpenSession> {
    const named = tokens.readRefresh(refreshToken)
    if (!named) throw new AppError('unauthenticated', 'The refresh token is not valid')
    const next = repeats ? tokens.nextRefresh(refreshToken, 0) : tokens.makeRefresh(named.sessionId)
    const session = await replace(named.sessionId, [refreshToken, next], 0)
    if (session) return { session, refreshToken: next }
    const repeated = named.ours && repeats ? await repeat(named.sessionId, refreshToken) : null
    if (repeated) return repeated
    if (named.ours) {
      const revoked = await revoke(named.sessionId)
      const stolen = revoked.length > 0 && (await sessions.findOne({ _id: named.sessionId }))
      if (stolen) await reused(stolen)
    }
    throw new AppError('unauthenticated', 'The refresh token is not valid')
  }

  return { rotate }
}
