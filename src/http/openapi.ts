import type { z } from 'zod'
import { scopes } from '../kernel/actor.ts'
import { type ErrorCode, errorStatus } from '../kernel/errors.ts'
import type { AnyRoute } from '../kernel/route.ts'
import { toJsonSchema } from '../kernel/schema.ts'
import { problemTitles, problemType } from './problem.ts'

type Json = Record<string, any>

/** The OpenAPI 3.1 document of the declared routes. Throws where two routes share method and path. */
export function openApi<S>(routes: AnyRoute<S>[], { version, url }: { version: string; url: string }): Json {
  const schemas: Record<string, Json> = { Problem: problemSchema }
  const paths: Record<string, Json> = {}
  for (const route of routes) {
    paths[route.path] ??= {}
    if (paths[route.path]![route.method]) throw new TypeError(`Declared twice: ${route.method} ${route.path}`)
    paths[route.path]![route.method] = operation(route, schemas)
  }
  const tags = [...new Set(routes.map((route) => route.tag))].map((name) => ({ name }))
  return {
    openapi: '3.1.0',
    info: {
      title: 'Phantom Power',
      version,
      description: 'The REST side of a network where musicians meet, talk and make music together.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    // Where the document was got first: pages that try it out must not leave their own origin.
    servers: [{ url: '/' }, { url, description: 'The public address' }],
    tags,
    paths,
    components: {
      schemas,
      responses: Object.fromEntries(codes.map((code) => [code, problemAnswer(code)])),
      securitySchemes: {
        person: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'The accessToken of a log-in; lasts 15 minutes',
        },
        bot: {
          type: 'http',
          scheme: 'bearer',
          description: `A bot's token, for what its scopes cover: ${scopes.join(', ')}`,
        },
      },
    },
  }
}

const codes = Object.keys(errorStatus) as ErrorCode[]

const problemSchema: Json = {
  type: 'object',
  title: 'Problem',
  description: 'Why a request failed (RFC 9457)',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    type: { type: 'string', format: 'uri-reference' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', enum: codes },
    errors: {
      type: 'array',
      description: 'The faults of an invalid input',
      items: {
        type: 'object',
        required: ['path', 'message'],
        properties: { path: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
}

function problemAnswer(code: ErrorCode): Json {
  const example = {
    type: problemType(code),
    title: problemTitles[code],
    status: errorStatus[code],
    detail: problemTitles[code],
    code,
    ...(code === 'invalid' && { errors: [{ path: 'email', message: 'Invalid email address' }] }),
  }
  const waits = code === 'rate_limited' || code === 'unavailable'
  return {
    description: problemTitles[code],
    ...(waits && { headers: { 'Retry-After': { description: 'Seconds to wait', schema: { type: 'integer' } } } }),
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' }, example } },
  }
}

function operation<S>(route: AnyRoute<S>, schemas: Record<string, Json>): Json {
  const responses: Json = { [route.status]: success(route, schemas) }
  for (const code of errorsOf(route)) {
    responses[errorStatus[code]] = { $ref: `#/components/responses/${code}` }
  }
  const parameters = [
    ...parametersOf('path', route.params as z.ZodType | undefined, schemas),
    ...parametersOf('query', route.query as z.ZodType | undefined, schemas),
  ]
  return {
    operationId: operationId(route),
    tags: [route.tag],
    summary: route.summary,
    security: securityOf(route),
    ...(parameters.length > 0 && { parameters }),
    ...(route.body && {
      requestBody: {
        required: !(route.body as z.ZodType).safeParse(undefined).success,
        content: {
          'application/json': {
            schema: toJsonSchema(route.body as z.ZodType, schemas),
            ...(route.example !== undefined && { example: route.example }),
          },
        },
      },
    }),
    responses,
  }
}

function success<S>(route: AnyRoute<S>, schemas: Record<string, Json>): Json {
  if (!route.answer) return { description: 'Done' }
  const schema = toJsonSchema(route.answer as z.ZodType, schemas)
  return { description: route.status === 201 ? 'Made' : 'Done', content: { 'application/json': { schema } } }
}

/** The codes that a route can answer with: those that follow from its declaration, and those that it names. */
function errorsOf<S>(route: AnyRoute<S>): ErrorCode[] {
  const found = new Set<ErrorCode>(['rate_limited', 'unavailable', 'internal', ...(route.errors ?? [])])
  if (route.auth !== 'none') found.add('unauthenticated').add('forbidden')
  if (route.params || route.query || route.body) found.add('invalid')
  if (route.body) found.add('too_large').add('unsupported_media')
  return codes.filter((code) => found.has(code))
}

function securityOf<S>(route: AnyRoute<S>): Json[] {
  if (route.auth === 'none') return []
  const ways: Json[] = [{ person: [] }]
  const scope: string | undefined = route.scope
  if (scope) ways.push({ bot: scope === 'any' ? [] : [scope] })
  if (route.auth === 'optional') ways.push({})
  return ways
}

function parametersOf(place: 'path' | 'query', type: z.ZodType | undefined, schemas: Record<string, Json>): Json[] {
  if (!type) return []
  const { properties = {}, required = [] } = toJsonSchema(type, schemas) as {
    properties?: Record<string, Json>
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description !== undefined && { description }),
    schema,
  }))
}

/** `postAuthPasswordReset`, `deleteBotsById`: the method and the path, unique by construction. */
function operationId<S>(route: AnyRoute<S>): string {
  const words = route.path
    .replace(/^\/api\/v1\//, '')
    .replace(/\{(\w+)\}/g, 'by-$1')
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean)
  return route.method + words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('')
}
