import { createHash, createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { AppError } from '../../kernel/errors.ts'
import { isId } from '../../kernel/ids.ts'

/** Life of an access token, in seconds. */
export const accessSeconds = 15 * 60
/** Life of a session that is not refreshed, in seconds. */
export const refreshSeconds = 30 * 24 * 3600

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** 256 random bits in base64url. */
export const randomSecret = (): string => randomBytes(32).toString('base64url')

/** Compares two hashes of equal length in a time that tells nothing. */
export const sameHash = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))

/** Tokens whose signature was checked before and need not be again: a caller sends the same one for 15 minutes. */
const mostVerified = 20_000

interface AccessClaims {
  sub: string
  sid: string
  role: 'user' | 'admin'
}

export interface Tokens {
  signAccess(claims: AccessClaims): string
  /** Throws `unauthenticated` for a token that is not ours, or expired. */
  verifyAccess(token: string): AccessClaims
  /** A new refresh token of a session. */
  makeRefresh(sessionId: string): string
  /** The refresh token that follows one of ours at a turn: the same each time, and nobody else can tell it. */
  nextRefresh(token: string, turn: number): string
  /** The session that a refresh token names, and whether we made the token (at any time). */
  readRefresh(token: string): { sessionId: string; ours: boolean } | null
}

const badToken = (cause?: unknown) => new AppError('unauthenticated', 'The token is not valid', { cause })

/**
 * Tokens under secrets of which the first signs and all verify. A refresh token carries a seal: a sealed one that is
 * not the session's present one was present once, which betrays its second use without a memory of former ones.
 */
export function createTokens(secrets: string[]): Tokens {
  const [signing] = secrets
  if (signing === undefined) throw new TypeError('Tokens need a secret')
  // As key objects: a text would be tried as a public key first, at every token anew.
  const keys = secrets.map((secret) => createSecretKey(Buffer.from(secret)))
  const verified = new Map<string, { claims: AccessClaims; expiresAt: number }>()
  const expired = () => new AppError('unauthenticated', 'The token has expired')
  const seal = (text: string, secret: string) => createHmac('sha256', secret).update(text).digest('base64url')
  const sealed = (text: string) => `${text}.${seal(text, signing)}`
  const sessionOf = (token: string) => {
    const sessionId = /^ppr_([^_]+)_/.exec(token)?.[1]
    return sessionId && isId(sessionId) ? sessionId : null
  }
  return {
    signAccess: ({ sub, sid, role }) =>
      jwt.sign({ sub, sid, role }, keys[0]!, { algorithm: 'HS256', expiresIn: accessSeconds }),
    verifyAccess(token) {
      const known = verified.get(token)
      if (known) {
        if (known.expiresAt > Date.now()) return known.claims
        verified.delete(token)
        throw expired()
      }
      let failure: unknown
      for (const key of keys) {
        try {
          const claims = jwt.verify(token, key, { algorithms: ['HS256'] })
          const { sub, sid, role, exp } = claims as AccessClaims & { exp?: number }
          if (typeof sub !== 'string' || typeof sid !== 'string') throw badToken()
          const read = { sub, sid, role }
          verified.set(token, { claims: read, expiresAt: (exp ?? Number.POSITIVE_INFINITY) * 1000 })
          if (verified.size > mostVerified) verified.delete(verified.keys().next().value as string)
          return read
        } catch (error) {
          if (error instanceof jwt.TokenExpiredError) throw expired()
          failure = error
        }
      }
      throw badToken(failure)
    },
    makeRefresh: (sessionId) => sealed(`ppr_${sessionId}_${randomSecret()}`),
    nextRefresh(token, turn) {
      const sessionId = sessionOf(token)
      if (!sessionId) throw badToken()
      return sealed(`ppr_${sessionId}_${seal(`what follows ${token} at turn ${turn}`, signing)}`)
    },
    readRefresh(token) {
      const sessionId = sessionOf(token)
      if (!sessionId) return null
      const [text = '', given = ''] = token.split('.')
      return { sessionId, ours: secrets.some((secret) => sameHash(seal(text, secret), given)) }
    },
  }
}
