import type { AppError, ErrorCode, Issue } from '../kernel/errors.ts'

/** A short name for each code, the same for every occurrence (RFC 9457, `title`). */
export const problemTitles: Record<ErrorCode, string> = {
  unauthenticated: 'Not authenticated',
  forbidden: 'Not allowed',
  not_found: 'Not found',
  conflict: 'Conflict with the present state',
  gone: 'No longer there',
  too_large: 'Too large',
  unsupported_media: 'Unsupported media type',
  invalid: 'Invalid input',
  rate_limited: 'Too many requests',
  unavailable: 'Temporarily unavailable',
  internal: 'Internal error',
}

interface Problem {
  type: string
  title: string
  status: number
  detail: string
  code: ErrorCode
  errors?: Issue[]
}

/** Where a code is explained: an anchor in the API's pages. */
export const problemType = (code: ErrorCode) => `/api/docs#error-${code}`

function toProblem(error: AppError): Problem {
  const problem: Problem = {
    type: problemType(error.code),
    title: problemTitles[error.code],
    status: error.status,
    detail: error.message,
    code: error.code,
  }
  if (error.code === 'invalid') problem.errors = error.details ?? []
  else if (error.details) problem.errors = error.details
  return problem
}

/** The answer to a request that failed (RFC 9457), with the headers that belong to its code. */
export function problemResponse(error: AppError): Response {
  const headers = new Headers({ 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' })
  if (error.code === 'unauthenticated') headers.set('WWW-Authenticate', 'Bearer')
  if (error.code === 'rate_limited' || error.code === 'unavailable') {
    headers.set('Retry-After', String(Math.max(1, Math.ceil((error.retryAfterMs ?? 1000) / 1000))))
  }
  return new Response(JSON.stringify(toProblem(error)), { status: error.status, headers })
}
