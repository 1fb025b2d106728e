import type { ClientState } from '../../client/api.ts'
import { connect, type PhantomClient } from '../../client/client.ts'
import { PhantomError } from '../../client/errors.ts'
import {
  createSession,
  type Session as Login,
  type Profile,
  readProblem,
  type SessionOptions,
  type User,
} from '../../client/session.ts'
import { sleep } from '../../client/waiting.ts'
import { t } from './i18n/i18n.svelte.ts'
import { toasts } from './toasts.svelte.ts'

export interface Permission {
  id: string
  resource: string
  action: string
}

interface Me {
  user: User
  profile: Profile
  roles: { id: string; name: string }[]
  permissions: Permission[]
}

/** Called with each new connection's client, before it connects; returns what ends the part again. */
type Part = (client: PhantomClient, userId: string) => () => void

/**
 * Set while this browser holds a refresh cookie, which no script can see: without it nobody is asked who we are, and
 * the console stays free of a refusal that means nothing.
 */
const markKey = 'pp:signed-in'
const retryMs = 3_000
/** People look at the page while it reconnects: they wait less than a bot may. */
const mostWaitMs = 10_000
const url = location.origin

/** Who is signed in, and the connection that goes with it. */
class Session {
  status = $state<'starting' | 'unreachable' | 'out' | 'in'>('starting')
  me = $state.raw<Me | null>(null)
  connection = $state<ClientState>('connecting')
  sessionId = $state<string | null>(null)
  /** Where to go once signed in. */
  goal: string | null = null
  #login: Login | null = null
  /** The server ends the connection before it has answered that we sign out. */
  #isLeaving = false
  #client: PhantomClient | null = null
  #parts: Part[] = []
  #ends: (() => void)[] = []

  /** The connection. Throws `unauthenticated` while nobody is signed in. */
  get client(): PhantomClient {
    if (!this.#client) throw new PhantomError('unauthenticated', 'nobody is signed in')
    return this.#client
  }

  get userId(): string {
    return this.me?.user.id ?? ''
  }

  /** Adds a part that lives as long as somebody is signed in. */
  with(part: Part): void {
    this.#parts.push(part)
    if (this.#client) this.#ends.push(part(this.#client, this.userId))
  }

  /** Takes up the session that the browser's cookie holds, and tries again while the server is out of reach. */
  async start(): Promise<void> {
    if (localStorage.getItem(markKey) === null) {
      this.status = 'out'
      return
    }
    for (;;) {
      try {
        await this.#begin({ url, cookie: true })
        return
      } catch (error) {
        if (error instanceof PhantomError && (error.code === 'unauthenticated' || error.code === 'forbidden')) {
          this.#end()
          return
        }
        this.status = 'unreachable'
        await sleep(error instanceof PhantomError && error.retryAfterMs ? error.retryAfterMs : retryMs)
      }
    }
  }

  signIn(email: string, password: string): Promise<void> {
    return this.#begin({ url, email, password, cookie: true })
  }

  signUp(email: string, password: string, displayName: string): Promise<void> {
    return this.#begin({ url, email, password, displayName, cookie: true })
  }

  /** Ends the session here and at the server. Rejects where the server could not be told. */
  async signOut(): Promise<void> {
    this.#isLeaving = true
    try {
      await this.#login?.logout()
    } finally {
      this.#isLeaving = false
    }
    this.#end()
  }

  /** A request to the server as this user. */
  async fetch(path: string, init?: RequestInit): Promise<Response> {
    if (!this.#login) throw new PhantomError('unauthenticated', 'nobody is signed in')
    return this.#login.fetch(path, init)
  }

  /** The access token as it is good now, for connections of other kinds, such as a board's. */
  async token(renew = false): Promise<string> {
    if (!this.#login) throw new PhantomError('unauthenticated', 'nobody is signed in')
    return this.#login.getToken({ renew })
  }

  may(resource: string, action: string): boolean {
    if (this.me?.user.role === 'admin') return true
    return this.me?.permissions.some((each) => each.resource === resource && each.action === action) ?? false
  }

  /** Reads anew who we are, as after a change of the profile. */
  async refreshMe(): Promise<void> {
    this.me = await this.#whoAmI()
  }

  async #begin(options: SessionOptions): Promise<void> {
    const login = await createSession(options)
    this.#stop()
    this.#login = login
    localStorage.setItem(markKey, '1')
    try {
      this.me = await this.#whoAmI()
    } catch (error) {
      this.#login = null
      throw error
    }
    const client = connect({ url, session: login, backoff: { maxMs: mostWaitMs } })
    this.#client = client
    this.connection = client.state
    client.on('state', ({ state, reason }) => {
      if (this.#client !== client) return
      this.connection = state
      // Nobody here closed it: the session was ended elsewhere, or has lapsed.
      if (state === 'closed' && reason && !this.#isLeaving) this.#lose()
    })
    client.on('ready', ({ sessionId }) => {
      if (this.#client === client) this.sessionId = sessionId
    })
    client.on('trouble', (error) => console.warn('The connection had trouble', error))
    this.#ends = this.#parts.map((part) => part(client, this.userId))
    this.status = 'in'
  }

  async #whoAmI(): Promise<Me> {
    const answer = await this.fetch('/api/v1/me')
    if (!answer.ok) throw await readProblem(answer)
    return (await answer.json()) as Me
  }

  #lose(): void {
    this.goal = location.pathname + location.search
    this.#end()
    toasts.add(t().auth.lost, 'bad')
  }

  #end(): void {
    localStorage.removeItem(markKey)
    this.#stop()
    this.me = null
    this.status = 'out'
  }

  #stop(): void {
    const client = this.#client
    this.#client = null
    this.#login = null
    this.sessionId = null
    for (const end of this.#ends) end()
    this.#ends = []
    void client?.close()
  }
}

export const session = new Session()
