import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import type { Exchange } from '../kernel/route.ts'

export type HttpEnv = { Bindings: HttpBindings; Variables: { requestId: string; address: string | undefined } }

/** The exchange as handlers see it. Cookies are Secure where the public URL is https. */
export const exchangeOf = (c: Context<HttpEnv>, secure: boolean): Exchange => ({
  ipAddress: c.get('address'),
  userAgent: c.req.header('User-Agent'),
  header: (name) => c.req.header(name),
  method: c.req.method,
  request: () => c.req.raw,
  incoming: c.env.incoming,
  cookie: (name) => getCookie(c, name),
  setCookie: (name, value, { path, maxAgeSeconds }) =>
    setCookie(c, name, value ?? '', {
      path,
      maxAge: value === null ? 0 : maxAgeSeconds,
      httpOnly: true,
      sameSite: 'Strict',
      secure,
    }),
})
