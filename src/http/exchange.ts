import type { IncomingMessage } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { getCookie } from 'hono/cookie'
import { serialize } from 'hono/utils/cookie'
import type { Exchange } from '../kernel/route.ts'

export type HttpEnv = {
  Bindings: HttpBindings
  Variables: { requestId: string; address: string | undefined; common: Record<string, string> }
}

/**
 * The exchange as handlers see it, with the cookies that they set; Secure where the public URL is https. A class, so that
 * a request costs no closures; headers are Node's own, for those of the web's standards are made by copying them all.
 */
class NodeExchange implements Exchange {
  readonly cookies: string[] = []
  readonly ipAddress: string | undefined
  readonly incoming: IncomingMessage
  readonly #context: Context<HttpEnv>
  readonly #secure: boolean

  constructor(context: Context<HttpEnv>, secure: boolean) {
    this.#context = context
    this.#secure = secure
    this.incoming = context.env.incoming
    this.ipAddress = context.get('address')
  }

  get userAgent(): string | undefined {
    return this.incoming.headers['user-agent']
  }

  get method(): string {
    return this.#context.req.method
  }

  header(name: string): string | undefined {
    const value = this.incoming.headers[name.toLowerCase()]
    return Array.isArray(value) ? value.join(', ') : value
  }

  request(): Request {
    return this.#context.req.raw
  }

  cookie(name: string): string | undefined {
    return getCookie(this.#context, name)
  }

  setCookie(name: string, value: string | null, { path, maxAgeSeconds }: { path: string; maxAgeSeconds: number }) {
    const maxAge = value === null ? 0 : maxAgeSeconds
    const options = { path, maxAge, httpOnly: true, sameSite: 'Strict', secure: this.#secure } as const
    this.cookies.push(serialize(name, value ?? '', options))
  }
}

/** The exchange of a request; cookies are Secure where the public URL is https. */
export const exchangeOf = (c: Context<HttpEnv>, secure: boolean): Exchange & { cookies: string[] } =>
  new NodeExchange(c, secure)
