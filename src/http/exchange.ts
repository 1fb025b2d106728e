import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { getCookie } from 'hono/cookie'
import { serialize } from 'hono/utils/cookie'
import type { Exchange } from '../kernel/route.ts'

export type HttpEnv = {
  Bindings: HttpBindings
  Variables: { requestId: string; address: string | undefined; common: Record<string, string> }
}

/** The exchange as handlers see it, with the cookies that they set. Cookies are Secure where the public URL is https. */
export function exchangeOf(c: Context<HttpEnv>, secure: boolean): Exchange & { cookies: string[] } {
  const cookies: string[] = []
  return {
    cookies,
    ipAddress: c.get('address'),
    userAgent: c.req.header('User-Agent'),
    header: (name) => c.req.header(name),
    method: c.req.method,
    request: () => c.req.raw,
    incoming: c.env.incoming,
    cookie: (name) => getCookie(c, name),
    setCookie(name, value, { path, maxAgeSeconds }) {
      const maxAge = value === null ? 0 : maxAgeSeconds
      cookies.push(serialize(name, value ?? '', { path, maxAge, httpOnly: true, sameSite: 'Strict', secure }))
    },
  }
}
