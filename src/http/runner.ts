import type { Context } from 'hono'
import { z } from 'zod'
import { type Actor, hasScope, permits } from '../kernel/actor.ts'
import { addressKey } from '../kernel/address.ts'
import { AppError, forbidden } from '../kernel/errors.ts'
import { type RateLimiter, rates } from '../kernel/rate.ts'
import type { AnyRoute } from '../kernel/route.ts'
import { issuesOf, parseInput } from '../kernel/validate.ts'
import { readJson } from './body.ts'
import { exchangeOf, type HttpEnv } from './exchange.ts'

export interface RunnerDeps<S> {
  services: S
  /** Whose token it is. Throws `unauthenticated`, or `unavailable` where that can't be told. */
  authenticate(token: string): Promise<Actor>
  limiter: RateLimiter
  /** Longest JSON body, in bytes. */
  maxBodyBytes: number
  secureCookies: boolean
  /** Also holds answers against their declared types; for tests. */
  checkAnswers: boolean
}

/** The handler of a declared route: identify, authorise, limit, parse, handle, answer. Throws AppErrors. */
export function runRoute<S>(route: AnyRoute<S>, deps: RunnerDeps<S>) {
  const name = `${route.method.toUpperCase()} ${route.path}`
  const params = route.params as z.ZodType | undefined
  const query = route.query as z.ZodType | undefined
  const body = route.body as z.ZodType | undefined
  const lists = listNames(query)
  const answerType = route.answer as z.ZodType | undefined

  return async (c: Context<HttpEnv>): Promise<Response> => {
    const caller = addressKey(c.get('address'))
    const actor = route.auth === 'none' ? null : await identify(c.env.incoming.headers.authorization, caller)
    if (actor) authorise(actor)
    await deps.limiter.consume(name, route.rate, actor ? `user ${actor.userId}` : `address ${caller}`)
    const input = {
      params: params && parseInput(params, c.req.param(), 'path'),
      query: query && parseInput(query, queryOf(c.req.url, lists), 'query'),
      body: body && parseInput(body, await readJson(c.env.incoming, deps.maxBodyBytes), 'body'),
    }
    const http = exchangeOf(c, deps.secureCookies)
    const answer = await route.handle({ actor, services: deps.services, http } as never, input as never)
    if (route.raw) return answer as unknown as Response
    if (answerType && deps.checkAnswers) checkAnswer(answerType, answer)
    // Made in one go with plain headers: any that are put on later cost as much as all the rest of the answer.
    const headers: Record<string, string> = { ...c.get('common'), 'Cache-Control': 'no-store' }
    if (answerType) headers['Content-Type'] = 'application/json'
    const response = new Response(answerType ? JSON.stringify(answer) : null, { status: route.status, headers })
    for (const cookie of http.cookies) response.headers.append('Set-Cookie', cookie)
    return response
  }

  async function identify(header: string | undefined, caller: string): Promise<Actor | null> {
    if (header === undefined) {
      if (route.auth === 'optional') return null
      throw new AppError('unauthenticated', 'This needs a token: Authorization: Bearer …')
    }
    await deps.limiter.check('bad token', badTokens, caller)
    try {
      const token = /^Bearer +(\S+)$/i.exec(header)?.[1]
      if (!token) throw new AppError('unauthenticated', 'The Authorization header must be: Bearer <token>')
      return await deps.authenticate(token)
    } catch (error) {
      if (error instanceof AppError && error.code === 'unauthenticated') {
        await deps.limiter.consume('bad token', badTokens, caller)
      }
      throw error
    }
  }

  function authorise(actor: Actor) {
    if (!hasScope(actor, route.scope)) {
      throw forbidden(route.scope ? `The bot's token lacks the scope ${route.scope}` : 'Bots may not do this')
    }
    if (route.auth === 'admin' && (actor.role !== 'admin' || actor.bot)) throw forbidden('Only admins may do this')
    if (route.permission && !permits(actor, route.permission)) {
      throw forbidden(`This needs the permission to ${route.permission.action} ${route.permission.resource}`)
    }
  }

  function checkAnswer(type: z.ZodType, answer: unknown) {
    const result = type.safeParse(answer)
    if (!result.success) {
      const cause = new TypeError(`${name} answered against its declaration: ${JSON.stringify(issuesOf(result.error))}`)
      throw new AppError('internal', 'Something went wrong on our side', { cause })
    }
  }
}

/** Bad tokens from one address before it is kept waiting: enough for an office behind one address. */
const badTokens = { points: 30 * rates.guess.points, seconds: rates.guess.seconds }

/** The names of a query that are declared as lists. */
function listNames(query: z.ZodType | undefined): Set<string> {
  const isList = (type: z.ZodType): boolean =>
    type instanceof z.ZodOptional || type instanceof z.ZodDefault
      ? isList(type.unwrap() as z.ZodType)
      : type instanceof z.ZodArray
  const shape = query instanceof z.ZodObject ? (query.shape as Record<string, z.ZodType>) : {}
  return new Set(Object.keys(shape).filter((name) => isList(shape[name]!)))
}

/** The query's parameters: lists where they are declared so or given twice, which only a declared list accepts. */
function queryOf(url: string, lists: Set<string>): Record<string, string | string[]> {
  const values = new Map<string, string | string[]>()
  const start = url.indexOf('?')
  for (const [name, value] of new URLSearchParams(start < 0 ? '' : url.slice(start))) {
    const before = values.get(name)
    if (Array.isArray(before)) before.push(value)
    else if (before !== undefined) values.set(name, [before, value])
    else values.set(name, lists.has(name) ? [value] : value)
  }
  return Object.fromEntries(values)
}
