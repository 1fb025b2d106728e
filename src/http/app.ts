import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener, RequestError } from '@hono/node-server'
import { Hono } from 'hono'
import type { Config } from '../config.ts'
import type { Actor } from '../kernel/actor.ts'
import { invalid, notFound, toAppError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { Logger } from '../kernel/ports.ts'
import type { RateLimiter } from '../kernel/rate.ts'
import type { AnyRoute } from '../kernel/route.ts'
import { createAddressReader } from './client-address.ts'
import { docsPage } from './docs.ts'
import type { HttpEnv } from './exchange.ts'
import { crossOrigin, requestIdHeader, securityHeaders } from './headers.ts'
import { openApi } from './openapi.ts'
import { problemResponse } from './problem.ts'
import { runRoute } from './runner.ts'
import type { Web } from './web.ts'

export interface Readiness {
  ready: boolean
  /** Why not, in a few words each. */
  reasons: string[]
}

/** What the HTTP side counts and shows; see `createMetrics`. */
interface HttpMetrics {
  http: { startTimer(labels: { method: string; route: string }): (labels: { status: number }) => unknown }
  contentType: string
  expose(): Promise<string>
}

interface HttpDeps<S> {
  routes: AnyRoute<S>[]
  services: S
  /** Whose token it is. Throws `unauthenticated`, or `unavailable` where that can't be told. */
  authenticate(token: string): Promise<Actor>
  limiter: RateLimiter
  config: Pick<Config, 'publicUrl' | 'trustProxy' | 'corsOrigins' | 'maxEventBytes'>
  log: Logger
  metrics: HttpMetrics
  readiness(): Promise<Readiness>
  /** The AsyncAPI document of the socket events. */
  asyncApi: object
  version: string
  /** The web client, where it is built. */
  web?: Web | null
  /** Holds answers against their declared types; for tests. */
  checkAnswers?: boolean
}

/** The REST side of the server: declared routes, health, metrics and the API's documents. Opens nothing by itself. */
export function createHttpApp<S>(deps: HttpDeps<S>): Hono<HttpEnv> {
  const { config, log, metrics, routes } = deps
  const addressOf = createAddressReader(config.trustProxy)
  const app = new Hono<HttpEnv>()

  app.use(async (c, next) => {
    const given = c.req.header(requestIdHeader)
    const requestId = given && /^[\w.-]{1,64}$/.test(given) ? given : newId()
    c.set('requestId', requestId)
    const { incoming } = c.env
    c.set('address', addressOf(incoming.socket.remoteAddress, incoming.headers['x-forwarded-for']))
    await next()
    c.res.headers.set(requestIdHeader, requestId)
  })
  app.use(securityHeaders(config.publicUrl))
  app.use(crossOrigin(config.corsOrigins))

  const runner = {
    services: deps.services,
    authenticate: deps.authenticate,
    limiter: deps.limiter,
    maxBodyBytes: config.maxEventBytes,
    secureCookies: config.publicUrl.startsWith('https:'),
    checkAnswers: deps.checkAnswers ?? false,
  }
  for (const route of routes) {
    const run = runRoute(route, runner)
    app.on(route.method.toUpperCase(), route.path.replace(/\{(\w+)\}/g, ':$1'), async (c) => {
      const stop = metrics.http.startTimer({ method: route.method, route: route.path })
      let response: Response
      try {
        response = await run(c)
      } catch (error) {
        response = failure(error, c.get('requestId'))
      }
      stop({ status: response.status })
      return response
    })
  }

  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/readyz', async (c) => {
    const { ready, reasons } = await deps.readiness()
    c.header('Cache-Control', 'no-store')
    return c.json({ status: ready ? 'ready' : 'not ready', reasons }, ready ? 200 : 503)
  })
  app.get('/metrics', async (c) => c.body(await metrics.expose(), 200, { 'Content-Type': metrics.contentType }))

  const document = openApi(routes, { version: deps.version, url: config.publicUrl })
  const page = docsPage(document)
  app.get('/api/openapi.json', (c) => c.json(document))
  app.get('/api/asyncapi.json', (c) => c.json(deps.asyncApi))
  app.get('/api/docs', (c) => {
    c.header('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
    return c.html(page)
  })

  app.notFound((c) => deps.web?.answer(c.req.raw) ?? problemResponse(notFound('Route')))
  app.onError((error, c) => failure(error, c.get('requestId')))
  return app

  function failure(thrown: unknown, requestId: string): Response {
    const error = toAppError(thrown)
    if (error.code === 'internal') log.error({ err: error.cause ?? error, requestId }, 'Request failed')
    else if (error.code === 'unavailable') log.warn({ err: error.cause ?? error, requestId }, 'Request refused')
    else log.debug({ code: error.code, detail: error.message, requestId }, 'Request refused')
    return problemResponse(error)
  }
}

/** The app as a listener of Node's http.Server. */
export function nodeListener(
  app: Hono<HttpEnv>,
  log: Logger,
): (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void> {
  return getRequestListener((request, env) => app.fetch(request, env as HttpEnv['Bindings']), {
    errorHandler(error) {
      if (error instanceof RequestError) return problemResponse(invalid('The request line or Host is malformed'))
      log.error({ err: error }, 'Request failed')
      return problemResponse(toAppError(error))
    },
  })
}
