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

export interface Keeping {
  /** The refresh token stays in an httpOnly cookie, as pages of the server's own origin want it. */
  cookie?: boolean
}

/** Makes an account. Rejects with a PhantomError (`conflict`, `invalid`, …). */
export function register(
  url: string,
  input: { email: string; password: string; displayName: string },
  { cookie = false }: Keeping = {},
) {
  return post<Account>(url, 'auth/register', input, cookie)
}

/** Begins a session. Rejects with `unauthenticated` for a wrong e-mail or password alike. */
export function login(url: string, input: { email: string; password: string }, { cookie = false }: Keeping = {}) {
  return post<Account>(url, 'auth/login', input, cookie)
}

/** Trades a refresh token, which works once, for a new pair; without one the browser's cookie is used. */
export function refresh(url: string, refreshToken?: string) {
  const given = refreshToken !== undefined
  return post<Tokens>(url, 'auth/refresh', given ? { refreshToken } : {}, !given)
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
} /** With a display name the account is registered first. With `cookie` the password is not used a second time. */ & (
  | { email: string; password: string; displayName?: string; cookie?: boolean }
  | { refreshToken: string }
  | { cookie: true; password?: undefined }
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
  const cookie = 'cookie' in options && options.cookie === true
  let tokens: Tokens | null = null
  let lapsesAt = 0
  let account: Account | null = null
  let renewal: Promise<string> | null = null

  const keep = (next: Tokens): string => {
    const { accessToken, expiresIn } = next
    // What lies in the cookie is kept nowhere else.
    tokens = { accessToken, refreshToken: cookie ? undefined : next.refreshToken, expiresIn }
    lapsesAt = Date.now() + next.expiresIn * 1000 - marginMs
    options.onTokens?.(tokens)
    return next.accessToken
  }

  const renew = async (): Promise<string> => {
    try {
      return keep(await exclusively(() => refresh(url, tokens?.refreshToken)))
    } catch (error) {
      if (cookie || !('email' in options) || !(error instanceof PhantomError) || error.code !== 'unauthenticated')
        throw error
      const { email, password } = options
      account = await login(url, { email, password })
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
      const answer = await session.fetch('/api/v1/auth/logout', { method: 'POST', headers: cookie ? webHeader : {} })
      if (!answer.ok) throw await readProblem(answer)
      tokens = null
    },
  }

  if ('refreshToken' in options) {
    tokens = { accessToken: '', refreshToken: options.refreshToken, expiresIn: 0 }
    await session.getToken()
  } else if ('email' in options) {
    const { email, password, displayName } = options
    account =
      displayName === undefined
        ? await login(url, { email, password }, { cookie })
        : await register(url, { email, password, displayName }, { cookie })
    keep(account)
  } else {
    await session.getToken()
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

/** Asks for the refresh token in a cookie. A header of our own keeps other sites from using that. */
const webHeader: Record<string, string> = { 'x-phantom-client': 'web' }

async function post<T>(url: string, path: string, body: object, cookie: boolean): Promise<T> {
  let answer: Response
  try {
    answer = await fetch(new URL(`/api/v1/${path}`, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(cookie && webHeader) },
      body: JSON.stringify(body),
      credentials: 'same-origin',
      // A page left meanwhile must not lose the new cookie: the old one is good for nothing but revoking the session.
      keepalive: cookie,
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

/** The error in an answer that is no success. */
export async function readProblem(answer: Response): Promise<PhantomError> {
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
