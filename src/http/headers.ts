import type { MiddlewareHandler } from 'hono'

export const requestIdHeader = 'X-Request-Id'

/** Headers that keep browsers from doing with an answer what it is not for. Pages bring a policy of their own. */
export function securityHeaders(publicUrl: string): MiddlewareHandler {
  const fixed: Record<string, string> = {
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    ...(publicUrl.startsWith('https:') && { 'Strict-Transport-Security': 'max-age=31536000' }),
  }
  return async (c, next) => {
    await next()
    for (const [name, value] of Object.entries(fixed)) {
      if (!c.res.headers.has(name)) c.res.headers.set(name, value)
    }
  }
}

const tus = 'Tus-Resumable, Upload-Length, Upload-Metadata, Upload-Offset'
const accepted = [
  'Authorization, Content-Type, Idempotency-Key, X-Phantom-Client, X-Request-Id',
  'If-Match, If-Modified-Since, If-None-Match, If-Range, Range, Upload-Defer-Length, X-HTTP-Method-Override',
  tus,
].join(', ')
const exposed = [
  'Retry-After, X-Request-Id, WWW-Authenticate',
  'Accept-Ranges, Content-Disposition, Content-Range, ETag, Location',
  'Tus-Extension, Tus-Max-Size, Tus-Version, Upload-Expires, X-Audio-File-Id',
  tus,
].join(', ')

/**
 * Lets the listed origins in, with credentials; others get no leave, which to a browser is a no. Answers OPTIONS
 * where no route does; `methodsOf` tells what there is at a path, OPTIONS too where a route answers it.
 */
export function crossOrigin(origins: string[], methodsOf: (path: string) => ReadonlySet<string>): MiddlewareHandler {
  const allowed = new Set(origins)
  return async (c, next) => {
    const origin = c.req.header('Origin')
    const listed = origin !== undefined && allowed.has(origin)
    // A browser's question before the request proper is answered here, whatever the route would say.
    const asks = c.req.header('Access-Control-Request-Method') !== undefined
    const own = c.req.method === 'OPTIONS' ? methodsOf(c.req.path) : undefined
    if (own && (asks || !own.has('OPTIONS'))) {
      const methods = allowHeader(own)
      c.res = new Response(null, { status: 204, headers: { Allow: methods } })
      if (listed) {
        c.res.headers.set('Access-Control-Allow-Methods', methods)
        c.res.headers.set('Access-Control-Allow-Headers', accepted)
        c.res.headers.set('Access-Control-Max-Age', '600')
      }
    } else await next()
    if (allowed.size > 0) c.res.headers.append('Vary', 'Origin')
    if (listed) {
      c.res.headers.set('Access-Control-Allow-Origin', origin)
      c.res.headers.set('Access-Control-Allow-Credentials', 'true')
      c.res.headers.set('Access-Control-Expose-Headers', exposed)
    }
  }
}

/** The value of `Allow` for what there is at a path. */
export const allowHeader = (methods: ReadonlySet<string>) => [...new Set([...methods, 'OPTIONS'])].join(', ')
