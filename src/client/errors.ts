/** The codes that the server answers with. */
export type ServerErrorCode =
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'gone'
  | 'too_large'
  | 'unsupported_media'
  | 'invalid'
  | 'rate_limited'
  | 'unavailable'
  | 'internal'

/** The codes that this client adds, for what never reached the server or never came back from it. */
export type LocalErrorCode = 'timeout' | 'disconnected' | 'closed' | 'queue_full'

export type ErrorCode = ServerErrorCode | LocalErrorCode

export interface ErrorExtras {
  details?: unknown
  /** Milliseconds to wait before trying again. */
  retryAfterMs?: number
  cause?: unknown
}

/** Every error of this client: `code` to branch on, `message` to read. */
export class PhantomError extends Error {
  readonly code: ErrorCode
  readonly details: unknown
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, extras: ErrorExtras = {}) {
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause })
    this.name = 'PhantomError'
    this.code = code
    this.details = extras.details
    this.retryAfterMs = extras.retryAfterMs
  }
}

const serverCodes: ReadonlySet<unknown> = new Set<ServerErrorCode>([
  'unauthenticated',
  'forbidden',
  'not_found',
  'conflict',
  'gone',
  'too_large',
  'unsupported_media',
  'invalid',
  'rate_limited',
  'unavailable',
  'internal',
])

/** Reads an error object of the wire (ack, handshake or problem+json); `fallback` is the code where it names none. */
export function parseError(raw: unknown, fallback: ErrorCode): PhantomError {
  const body = (typeof raw === 'object' && raw !== null ? raw : {}) as Record<string, unknown>
  const code = serverCodes.has(body.code) ? (body.code as ServerErrorCode) : fallback
  const text = [body.message, body.detail, body.title].find((t) => typeof t === 'string' && t !== '')
  return new PhantomError(code, typeof text === 'string' ? text : code, {
    details: body.details ?? body.errors,
    retryAfterMs: typeof body.retryAfterMs === 'number' ? body.retryAfterMs : undefined,
  })
}

/** Whether the same request may succeed later, unchanged. */
export function isTransient(error: unknown): boolean {
  return (
    error instanceof PhantomError && ['timeout', 'disconnected', 'unavailable', 'rate_limited'].includes(error.code)
  )
}

/** Any thrown value as a PhantomError. */
export function toPhantomError(error: unknown, fallback: ErrorCode): PhantomError {
  if (error instanceof PhantomError) return error
  return new PhantomError(fallback, error instanceof Error ? error.message : String(error), { cause: error })
}
