export const requestIdHeader = 'X-Request-Id'

/** What a request's address and headers may come to, in bytes; Node's own bound is a quarter of it. */
export const maxHeaderBytes = 64 * 1024

/** Headers that keep browsers from doing with an answer what it is not for. Pages bring a policy of their own. */
export function securityHeaders(publicUrl: string): Record<string, string> {
  return {
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    ...(publicUrl.startsWith('https:') && { 'Strict-Transport-Security': 'max-age=31536000' }),
  }
}

const tus = 'Tus-Resumable, Upload-Length, Upload-Metadata, Upload-Offset'
const accepted = [
  'Authorization, Content-Type, Idempotency-Key, X-Phantom-Client, X-Request-Id',
  'If-Match, If-Modified-Since, If-None-Match, If-Range, Range',
  tus,
].join(', ')
const exposed = [
  'Retry-After, X-Request-Id, WWW-Authenticate',
  'Accept-Ranges, Content-Disposition, Content-Range, ETag, Location',
  'Tus-Extension, Tus-Max-Size, Tus-Version, X-Audio-File-Id',
  tus,
].join(', ')

/**
 * Lets the listed origins in, with credentials; others get no leave, which to a browser is a no. Gives the headers for
 * a request's answer.
 */
export function crossOrigin(origins: string[]): (origin: string | undefined) => Record<string, string> {
  const allowed = new Set(origins)
  return (origin) => ({
    ...(allowed.size > 0 && { Vary: 'Origin' }),
    ...(origin !== undefined &&
      allowed.has(origin) && {
        'Access-Control-Allow-Origin': origin,
        'Access-Control-Allow-Credentials': 'true',
        'Access-Control-Expose-Headers': exposed,
      }),
  })
}

/** The answer to OPTIONS for a path; `listed` where a browser may go on from there. */
export function optionsAnswer(methods: ReadonlySet<string>, listed: boolean): Response {
  const allow = allowHeader(methods)
  return new Response(null, {
    status: 204,
    headers: {
      Allow: allow,
      ...(listed && {
        'Access-Control-Allow-Methods': allow,
        'Access-Control-Allow-Headers': accepted,
        'Access-Control-Max-Age': '600',
      }),
    },
  })
}

/** The value of `Allow` for what there is at a path. */
export const allowHeader = (methods: ReadonlySet<string>) => [...new Set([...methods, 'OPTIONS'])].join(', ')
