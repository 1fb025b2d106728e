import type { IncomingMessage } from 'node:http'
import type { z } from 'zod'
import type { Actor, PermissionNeed, ScopeNeed } from './actor.ts'
import type { ErrorCode } from './errors.ts'
import type { Rate } from './rate.ts'

/** What of the HTTP exchange itself a handler may look at or set. */
export interface Exchange {
  ipAddress: string | undefined
  userAgent: string | undefined
  header(name: string): string | undefined
  cookie(name: string): string | undefined
  /** In capitals; a raw route for `get` also gets HEAD, and answers it without a body. */
  method: string
  /** The request as the web's standards have it, for raw routes; its body is not read yet. */
  request(): Request
  /** The request as Node has it, for routes with `multipart`; its body is not read yet. */
  incoming: IncomingMessage
  /** Sets an httpOnly, SameSite=Strict cookie for a path; null takes it away. */
  setCookie(name: string, value: string | null, options: { path: string; maxAgeSeconds: number }): void
}

/** `optional`: without a token the actor is null; a bad token is refused all the same. */
export type RouteAuth = 'none' | 'optional' | 'user' | 'admin'

/** Whose the thing is that a route is about: stated for the documents and the tests; the service sees to it. */
export interface OwnerRule {
  /** In words: `the uploader`, `an owner of the project`. */
  owner: string
  /**
   * What others get: `forbidden` where they may see the thing, `not_found` where they may not. `nothing`: the route is
   * for everybody, and shows and changes only what is one’s own.
   */
  others: 'forbidden' | 'not_found' | 'nothing'
  /** By which permission others may nevertheless; admins hold all. */
  permission?: PermissionNeed
}

/** A body of `multipart/form-data`, which the handler reads from `http.incoming` as it comes. */
export interface MultipartDef {
  /** The part that holds the file. */
  file: string
  /** Media types that the file can have, for the documents. */
  types: string[]
  /** The other parts, all of them texts; the handler parses them by this. */
  fields: z.ZodType
}

/** One answer of a raw route, for the documents. */
export interface RawAnswer {
  description: string
  /** Media types of the body; none where there is no body. */
  types?: string[]
  /** What a header tells, by its name. */
  headers?: Record<string, string>
}

/** A route that answers with a `Response` of its own making, and may read its request itself. */
export interface RawDef {
  /** Media types of the body that it reads. */
  reads?: string[]
  /** What a request header is for, by its name. */
  headers?: Record<string, string>
  /** Every answer by its status, beside the problems. */
  answers: Record<number, RawAnswer>
}

export interface RouteContext<S, Auth extends RouteAuth> {
  actor: Auth extends 'none' ? null : Auth extends 'optional' ? Actor | null : Actor
  services: S
  http: Exchange
}

type OutputOf<T> = T extends z.ZodType ? z.output<T> : undefined

export interface RouteDef<
  S,
  Auth extends RouteAuth,
  Params extends z.ZodType | undefined,
  Query extends z.ZodType | undefined,
  Body extends z.ZodType | undefined,
  Answer extends z.ZodType | undefined,
  Raw extends RawDef | undefined = undefined,
> {
  method: 'get' | 'head' | 'options' | 'post' | 'put' | 'patch' | 'delete'
  /** OpenAPI form: `/api/v1/chat-rooms/{id}`. */
  path: string
  tag: string
  summary: string
  auth: Auth
  /** What a bot's token must cover. Without one, bots are refused. */
  scope?: ScopeNeed
  /** What the actor's roles must permit; owners’ rules are in `access`. */
  permission?: PermissionNeed
  /** The owner’s rule, where a thing has one. */
  access?: OwnerRule
  rate: Rate
  params?: Params
  query?: Query
  body?: Body
  /** In place of a JSON body. */
  multipart?: MultipartDef
  /** In place of a JSON answer: the handler answers with a `Response`. */
  raw?: Raw
  /** Status of success; 204 has no answer. */
  status: 200 | 201 | 202 | 204
  answer?: Answer
  /** Codes that can come beside those that follow from the declaration (auth, validation, rate). */
  errors?: ErrorCode[]
  /** Problems with a status of their own, such as 507, by the status. */
  statuses?: Record<number, ErrorCode>
  /** A body as clients send it, for the API's pages. */
  example?: unknown
  handle(
    context: RouteContext<S, Auth>,
    input: { params: OutputOf<Params>; query: OutputOf<Query>; body: OutputOf<Body> },
  ): Promise<Raw extends RawDef ? Response : Answer extends z.ZodType ? z.output<Answer> : void>
}

export type AnyRoute<S> = RouteDef<S, any, any, any, any, any, any>

/** Gives `defineRoute` for one set of services: declares a REST route once; see `RouteDef`. */
export const routeDefiner =
  <S>() =>
  <
    Auth extends RouteAuth,
    Params extends z.ZodType | undefined = undefined,
    Query extends z.ZodType | undefined = undefined,
    Body extends z.ZodType | undefined = undefined,
    Answer extends z.ZodType | undefined = undefined,
    Raw extends RawDef | undefined = undefined,
  >(
    definition: RouteDef<S, Auth, Params, Query, Body, Answer, Raw>,
  ) =>
    definition
