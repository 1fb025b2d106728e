import { PhantomError, parseError, toPhantomError } from './errors.ts'
import type { Id, Timestamp } from './protocol.ts'

export interface User {
  id: Id
  email?: string
  role?: 'user' | 'admin'
  isVerified?: boolean
  createdAt: Timestamp
  updatedAt?: Timestamp | null
}

export interface Profile {
  id: Id
  userId: Id
  displayName: string
  createdAt: Timestamp
  updatedAt?: Timestamp | null
  [field: string]: unknown
}

export interface Tokens {
  accessToken: string
  /** Absent where the server keeps it in a cookie. */
  refreshToken?: string
  /** Seconds until the access token lapses. */
  expiresIn: number
}

/** What `login` and `register` answer. */
export interface Account extends Tokens {
  user: User
  profile: Profile
  session: { id: Id; userId: Id; createdAt: Timestamp; lastActiveAt: Timestamp }
}

/** Makes an account. Rejects with a PhantomError (`conflict`, `invalid`, …). */
export function register(url: string, input: { email: string; password: string; displayName: string }) {
  return post<Account>(url, 'auth/register', input)
}

/** Begins a session. Rejects with `unauthenticated` for a wrong e-mail or password alike. */
export function login(url: string, input: { email: string; password: string }) {
  return post<Account>(url, 'auth/login', input)
}

/** Trades a refresh token, which works once, for a new pair; without one the browser's cookie is used. */
export function refresh(url: string, refreshToken?: string) {
  return post<Tokens>(url, 'auth/refresh', refreshToken === undefined ? {} : { refreshToken })
}

export interface Session {
  /** The access token, renewed where it lapses within half a minute or `renew` is asked. */
  getToken(options?: { renew?: boolean }): Promise<string>
  /** The account as the log-in answered it; null where the session began from a refresh token or cookie. */
  readonly account: Account | null
  /** Fetches a path of the server as this user, once again with a new token where the first is refused. */
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** Revokes the session at the server. */
  logout(): Promise<void>
}

export type SessionOptions = {
  url: string
  /** Called with each new pair, to keep the refresh token where it survives. */
  onTokens?: (tokens: Tokens) => void
} & (
  | { email: string; password: string; displayName?: undefined }
  /** With a display name the account is registered first. */
  | { email: string; password: string; displayName: string }
  | { refreshToken: string }
  | { cookie: true }
)

/** Tokens are renewed this long before they lapse. */
const marginMs = 30_000
const requestTimeoutMs = 15_000

/**
 * Begins a session and keeps its tokens fresh. With e-mail and password it logs in anew where the refresh token is
 * refused. Rejects with a PhantomError.
 */
export async function createSession(options: SessionOptions): Promise<Session> {
  const { url } = options
  let tokens: Tokens | null = null
  let lapsesAt = 0
  let account: Account | null = null
  let renewal: Promise<string> | null = null

  const keep = (next: Tokens): string => {
    tokens = { accessToken: next.accessToken, refreshToken: next.refreshToken, expiresIn: next.expiresIn }
    lapsesAt = Date.now() + next.expiresIn * 1000 - marginMs
    options.onTokens?.(tokens)
    return next.accessToken
  }

  const renew = async (): Promise<string> => {
    try {
      return keep(await exclusively(() => refresh(url, tokens?.refreshToken)))
    } catch (error) {
      if (!('password' in options) || !(error instanceof PhantomError) || error.code !== 'unauthenticated') throw error
      account = await login(url, options)
      return keep(account)
    }
  }

  const session: Session = {
    get account() {
      return account
    },
    async getToken({ renew: wanted = false } = {}) {
      if (tokens && !wanted && Date.now() < lapsesAt) return tokens.accessToken
      // One at a time: a refresh token used twice revokes the session.
      renewal ??= renew().finally(() => {
        renewal = null
      })
      return renewal
    },
    async fetch(path, init = {}) {
      const send = async (wanted: boolean) => {
        const headers = new Headers(init.headers)
        headers.set('authorization', `Bearer ${await session.getToken({ renew: wanted })}`)
        return fetch(new URL(path, url), { ...init, headers })
      }
      const answer = await send(false)
      // A stream can't be sent twice.
      return answer.status === 401 && !(init.body instanceof ReadableStream) ? send(true) : answer
    },
    async logout() {
      const answer = await session.fetch('/api/v1/auth/logout', { method: 'POST' })
      if (!answer.ok) throw await readProblem(answer)
      tokens = null
    },
  }

  if ('cookie' in options) {
    await session.getToken()
  } else if ('refreshToken' in options) {
    tokens = { accessToken: '', refreshToken: options.refreshToken, expiresIn: 0 }
    await session.getToken()
  } else {
    const { email, password, displayName } = options
    account =
      displayName === undefined ? await login(url, options) : await register(url, { email, password, displayName })
    keep(account)
  }
  return session
}

/** Tabs of a browser share the cookie: only one of them may refresh at a time. */
function exclusively<T>(work: () => Promise<T>): Promise<T> {
  const locks = (globalThis.navigator as Navigator | undefined)?.locks
  return locks && typeof document !== 'undefined'
    ? (locks.request('phantom-power:refresh', work) as Promise<T>)
    : work()
}

async function post<T>(url: string, path: string, body: object): Promise<T> {
  let answer: Response
  try {
    answer = await fetch(new URL(`/api/v1/${path}`, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      credentials: 'same-origin',
      signal: AbortSignal.timeout(requestTimeoutMs),
    })
  } catch (error) {
    throw toPhantomError(error, 'unavailable')
  }
  if (!answer.ok) throw await readProblem(answer)
  return (await answer.json()) as T
}

const codeOfStatus: Record<number, PhantomError['code']> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  410: 'gone',
  413: 'too_large',
  415: 'unsupported_media',
  422: 'invalid',
  429: 'rate_limited',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
}

async function readProblem(answer: Response): Promise<PhantomError> {
  const text = await answer.text()
  let body: unknown = null
  try {
    body = JSON.parse(text)
  } catch {
    // A proxy's page rather than the server's problem+json: the status tells.
  }
  const seconds = Number(answer.headers.get('retry-after'))
  const problem = parseError(body, codeOfStatus[answer.status] ?? 'internal')
  if (problem.retryAfterMs !== undefined || !(seconds > 0)) return problem
  return new PhantomError(problem.code, problem.message, { details: problem.details, retryAfterMs: seconds * 1000 })
}
