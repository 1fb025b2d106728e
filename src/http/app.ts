import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener, RequestError } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import type { Config } from '../config.ts'
import type { Actor } from '../kernel/actor.ts'
import { AppError, invalid, notFound, toAppError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { Logger } from '../kernel/ports.ts'
import type { RateLimiter } from '../kernel/rate.ts'
import type { AnyRoute } from '../kernel/route.ts'
import { createAddressReader } from './client-address.ts'
import { docsPages } from './docs.ts'
import type { HttpEnv } from './exchange.ts'
import { allowHeader, crossOrigin, optionsAnswer, requestIdHeader, securityHeaders } from './headers.ts'
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
  asyncApi: () => object
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

  const methodsOf = methodFinder(routes)
  const fixed = securityHeaders(config.publicUrl)
  const corsHeaders = crossOrigin(config.corsOrigins)
  app.use(async (c, next) => {
    const { incoming } = c.env
    const given = incoming.headers[requestIdHeader.toLowerCase()]
    const requestId = typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : newId()
    c.set('requestId', requestId)
    c.set('address', addressOf(incoming.socket.remoteAddress, incoming.headers['x-forwarded-for']))
    const common: Record<string, string> = {
      ...fixed,
      ...corsHeaders(incoming.headers.origin),
      [requestIdHeader]: requestId,
    }
    c.set('common', common)
    if (c.req.method === 'OPTIONS') {
      const own = methodsOf(c.req.path)
      // A browser's question before the request proper is answered here, whatever the route would say.
      if (incoming.headers['access-control-request-method'] !== undefined || !own.has('OPTIONS'))
        return dress(c, optionsAnswer(own, 'Access-Control-Allow-Origin' in common))
    }
    await next()
    return undefined
  })

  const runner = {
    services: deps.services,
    authenticate: deps.authenticate,
    limiter: deps.limiter,
    maxBodyBytes: config.maxEventBytes,
    secureCookies: config.publicUrl.startsWith('https:'),
    checkAnswers: deps.checkAnswers ?? false,
  }
  // Hono brings HEAD to the routes for GET: those for HEAD must get to see it first.
  const inOrder = [...routes].sort((a, b) => Number(b.method === 'head') - Number(a.method === 'head'))
  for (const route of inOrder) {
    const run = runRoute(route, runner)
    const isHead = route.method === 'head'
    // A path that is declared as it is stands for nobody's id, by whatever method.
    const pattern = patternOf(route.path)
    const isOther = new Set(routes.map(({ path }) => path).filter((path) => path !== route.path && pattern.test(path)))
    app.on(isHead ? 'GET' : route.method.toUpperCase(), route.path.replace(/\{(\w+)\}/g, ':$1'), async (c, next) => {
      if (isHead && c.req.method !== 'HEAD') return next()
      if (isOther.size > 0 && isOther.has(c.req.path)) return next()
      const stop = metrics.http.startTimer({ method: route.method, route: route.path })
      let response: Response
      try {
        response = await run(c)
        if (route.raw) dress(c, response)
      } catch (error) {
        response = dress(c, failure(error, c.get('requestId')))
      }
      stop({ status: response.status })
      return response
    })
  }

  // For all that follows; the declared routes put these headers on as they make their answers.
  app.use(async (c, next) => {
    for (const [name, value] of Object.entries(c.get('common'))) c.header(name, value)
    await next()
  })
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/readyz', async (c) => {
    const { ready, reasons } = await deps.readiness()
    c.header('Cache-Control', 'no-store')
    return c.json({ status: ready ? 'ready' : 'not ready', reasons }, ready ? 200 : 503)
  })
  app.get('/metrics', async (c) => c.body(await metrics.expose(), 200, { 'Content-Type': metrics.contentType }))

  const openApiText = madeOnce(() => openApi(routes, { version: deps.version, url: config.publicUrl }))
  const asyncApiText = madeOnce(deps.asyncApi)
  const json = { 'Content-Type': 'application/json' }
  app.get('/api/openapi.json', (c) => c.body(openApiText(), 200, json))
  app.get('/api/asyncapi.json', (c) => c.body(asyncApiText(), 200, json))
  app.route('/api/docs', docsPages())

  app.notFound((c) => {
    const methods = methodsOf(c.req.path)
    if (methods.size === 0) return dress(c, deps.web?.answer(c.req.raw) ?? problemResponse(notFound('Route')))
    const response = problemResponse(new AppError('not_found', `${c.req.method} is not for this path`, { status: 405 }))
    response.headers.set('Allow', allowHeader(methods))
    return dress(c, response)
  })
  app.onError((error, c) => dress(c, failure(error, c.get('requestId'))))
  return app

  function failure(thrown: unknown, requestId: string): Response {
    const error = toAppError(thrown)
    if (error.code === 'internal') log.error({ err: error.cause ?? error, requestId }, 'Request failed')
    else if (error.code === 'unavailable') log.warn({ err: error.cause ?? error, requestId }, 'Request refused')
    else log.debug({ code: error.code, detail: error.message, requestId }, 'Request refused')
    return problemResponse(error)
  }
}

/** Puts what every answer has on one that was not made by the context; what it has itself stays. */
function dress(c: Context<HttpEnv>, response: Response): Response {
  for (const [name, value] of Object.entries(c.get('common') ?? {})) {
    if (name === 'Vary') response.headers.append(name, value)
    else if (!response.headers.has(name)) response.headers.set(name, value)
  }
  return response
}

/** What paths are of a route, by its path as it is declared. */
const patternOf = (path: string) => new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`)

/** Tells which methods are declared for a path, in capitals; none for a path that is nowhere. */
function methodFinder(routes: { method: string; path: string }[]): (path: string) => ReadonlySet<string> {
  const byPath = new Map<string, { pattern: RegExp; methods: Set<string> }>()
  for (const { method, path } of routes) {
    const known = byPath.get(path) ?? {
      pattern: patternOf(path),
      methods: new Set<string>(),
    }
    known.methods.add(method.toUpperCase())
    if (method === 'get') known.methods.add('HEAD')
    byPath.set(path, known)
  }
  const all = [...byPath.values()]
  return (path) =>
    byPath.get(path)?.methods ??
    new Set(all.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => [...methods]))
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

/** A document as text, made when it is first asked for: a start does not wait for what few read. */
function madeOnce(make: () => object): () => string {
  let text: string | undefined
  return () => {
    text ??= JSON.stringify(make())
    return text
  }
}
