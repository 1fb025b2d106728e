/** The closed set of error codes, each with its HTTP status (contract, section 1). */
export const errorStatus = {
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  gone: 410,
  too_large: 413,
  unsupported_media: 415,
  invalid: 422,
  rate_limited: 429,
  unavailable: 503,
  internal: 500,
} as const

export type ErrorCode = keyof typeof errorStatus

/** One fault of an input: where and what. */
export interface Issue {
  path: string
  message: string
}

/** What a handler throws to answer with an error; everything else that is thrown becomes `internal`. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly details: Issue[] | undefined
  readonly retryAfterMs: number | undefined
  /** The HTTP status, where it is not the one of the code, such as 507. */
  readonly status: number

  constructor(
    code: ErrorCode,
    message: string,
    options: ErrorOptions & { details?: Issue[]; retryAfterMs?: number; status?: number } = {},
  ) {
    super(message, options)
    this.name = 'AppError'
    this.code = code
    this.details = options.details
    this.retryAfterMs = options.retryAfterMs
    this.status = options.status ?? errorStatus[code]
  }
}

export const notFound = (what: string) => new AppError('not_found', `${what} not found`)
export const forbidden = (why: string) => new AppError('forbidden', why)
export const conflict = (why: string) => new AppError('conflict', why)
export const invalid = (message: string, path = '') =>
  new AppError('invalid', message, { details: [{ path, message }] })

/** Names by which MongoDB's driver reports that the database, not the request, is at fault. */
const databaseAway =
  /^Mongo(Network|ServerSelection|NotConnected|Pool|WaitQueue|TopologyClosed|ClientClosed|ExpiredSession|OperationTimeout|WriteConcern|UnexpectedServerResponse)/

/**
 * Codes by which it does: not primary, shutting down, interrupted, hosts unreachable, timeouts, write concern; keys,
 * majority reads or snapshots not there yet after a start; transactions and sessions lost to others, to a restart or
 * because they were taken for orphans.
 */
const awayCodes = new Set([
  ...[6, 7, 24, 50, 64, 79, 89, 91, 100, 112, 133, 134, 189, 206, 211, 225, 246, 251, 262, 290],
  ...[9001, 10107, 11600, 11601, 11602, 13435, 13436, 46841],
])

/** What a connection broke with. The driver hands such an error of Node's on as it is where it was writing just then. */
/** Codes of the system where a connection broke, or could not be made. */
export const brokenConnections: ReadonlySet<unknown> = new Set([
  'EPIPE',
  'ECONNRESET',
  'ECONNREFUSED',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
])

/** Labels by which the driver says that trying again can help. */
const awayLabels = ['RetryableWriteError', 'TransientTransactionError', 'UnknownTransactionCommitResult', 'ResetPool']

/**
 * Turns anything thrown into an AppError: database outages into `unavailable`, the unknown into `internal`
 * (with the cause kept for the log, never for the wire).
 */
export function toAppError(cause: unknown): AppError {
  if (cause instanceof AppError) return cause
  if (cause instanceof Error) {
    const code = (cause as { code?: unknown }).code
    // A connection that breaks under a bulk write comes as an error of the bulk, without a code of the server.
    const brokenBulk = cause.name === 'MongoBulkWriteError' && typeof code !== 'number'
    const { hasErrorLabel } = cause as { hasErrorLabel?: (label: string) => boolean }
    const retryable =
      brokenBulk ||
      awayLabels.some((label) => hasErrorLabel?.call(cause, label)) ||
      databaseAway.test(cause.name) ||
      cause.name === 'MongooseServerSelectionError' ||
      awayCodes.has(code as number) ||
      brokenConnections.has(code as string)
    if (retryable) {
      return new AppError('unavailable', 'The database is out of reach; try again', { cause, retryAfterMs: 1000 })
    }
  }
  return new AppError('internal', 'Something went wrong on our side', { cause })
}

/** The error part of a socket's ack. */
export interface WireError {
  code: ErrorCode
  message: string
  details?: Issue[]
  retryAfterMs?: number
}

/** What of an error goes to a client. */
export function toWireError(error: AppError): WireError {
  const wire: WireError = { code: error.code, message: error.message }
  if (error.details) wire.details = error.details
  if (error.retryAfterMs !== undefined) wire.retryAfterMs = error.retryAfterMs
  return wire
}
