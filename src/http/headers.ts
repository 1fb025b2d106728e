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

const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
const accepted = 'Authorization, Content-Type, Idempotency-Key, X-Phantom-Client, X-Request-Id'
const exposed = 'Retry-After, X-Request-Id, WWW-Authenticate'

/** Lets the listed origins in, with credentials; others get no leave, which to a browser is a no. Answers OPTIONS. */
export function crossOrigin(origins: string[]): MiddlewareHandler {
  const allowed = new Set(origins)
  return async (c, next) => {
    const origin = c.req.header('Origin')
    const listed = origin !== undefined && allowed.has(origin)
    if (c.req.method === 'OPTIONS') {
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
