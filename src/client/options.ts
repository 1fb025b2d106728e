import type { CursorStore } from './cursor-store.ts'
import { PhantomError } from './errors.ts'
import type { Session } from './session.ts'
import type { Backoff } from './waiting.ts'

export interface ConnectOptions {
  /** The server's base URL, such as `http://127.0.0.1:3000`; in browsers by default the page's. */
  url?: string
  /** A token that stays as it is: a bot's. */
  token?: string
  /** Asked for a token at each connect; with `renew` the last one was refused. */
  getToken?: (options: { renew: boolean }) => string | Promise<string>
  /** A session of `createSession`, which renews its tokens. */
  session?: Pick<Session, 'getToken'>
  /** Where cursors survive this process; by default they don't. */
  cursors?: CursorStore
  /** Delays between attempts to connect, in milliseconds: by default up to 1,000, doubling, up to 30,000. */
  backoff?: Partial<Backoff>
  /** From the start of an attempt to the server's `ready`; 20,000 ms by default. */
  attemptTimeoutMs?: number
  /** How long a request waits for its ack where it names no time; 15,000 ms by default. */
  requestTimeoutMs?: number
  /** How long a send is tried where it names no time; an hour by default. */
  sendDeadlineMs?: number
  /** Most sends that wait at a time; 1,000 by default. */
  sendLimit?: number
  /** Most changes that wait for a slow consumer before they are fetched again instead; 1,000 by default. */
  bufferLimit?: number
  transports?: ('websocket' | 'polling')[]
}

export interface Settings {
  url: string
  token: (options: { renew: boolean }) => string | Promise<string>
  renewable: boolean
  cursors: CursorStore | null
  backoff: Backoff
  attemptTimeoutMs: number
  requestTimeoutMs: number
  sendDeadlineMs: number
  sendLimit: number
  bufferLimit: number
  transports: ('websocket' | 'polling')[]
}

/** Fills in the defaults. Throws `invalid` where there is no URL or not exactly one source of tokens. */
export function resolveOptions(options: ConnectOptions): Settings {
  const { token, getToken, session } = options
  const url = options.url ?? (globalThis.location as Location | undefined)?.origin
  if (!url) throw new PhantomError('invalid', 'connect: url is needed outside a browser')
  const sources = [token, getToken, session].filter((source) => source !== undefined)
  if (sources.length !== 1) throw new PhantomError('invalid', 'connect: give one of token, getToken and session')
  return {
    url,
    token: getToken ?? (session ? (wanted) => session.getToken(wanted) : () => token as string),
    renewable: token === undefined,
    cursors: options.cursors ?? null,
    backoff: { baseMs: 1_000, maxMs: 30_000, ...options.backoff },
    attemptTimeoutMs: options.attemptTimeoutMs ?? 20_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 15_000,
    sendDeadlineMs: options.sendDeadlineMs ?? 3_600_000,
    sendLimit: options.sendLimit ?? 1_000,
    bufferLimit: options.bufferLimit ?? 1_000,
    transports: options.transports ?? ['websocket'],
  }
}

/** A random UUID, also on pages served without TLS, where `crypto.randomUUID` is missing. */
export function createClientId(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID()
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
