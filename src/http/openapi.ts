import type { z } from 'zod'
import { scopes } from '../kernel/actor.ts'
import { type ErrorCode, errorStatus } from '../kernel/errors.ts'
import type { AnyRoute, RawDef } from '../kernel/route.ts'
import { toJsonSchema } from '../kernel/schema.ts'
import { maxHeaderBytes } from './headers.ts'
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
  for (const route of routes) {
    // A raw answer can be asked for without its body.
    if (route.method === 'get' && route.raw) paths[route.path]!['head'] ??= headOf(route, schemas)
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

function problemAnswer(code: ErrorCode, status: number = errorStatus[code]): Json {
  const example = {
    type: problemType(code),
    title: problemTitles[code],
    status,
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
  const responses: Json = route.raw ? rawAnswers(route.raw as RawDef) : { [route.status]: success(route, schemas) }
  for (const code of errorsOf(route)) {
    responses[errorStatus[code]] ??= { $ref: `#/components/responses/${code}` }
  }
  for (const [status, code] of Object.entries(route.statuses ?? {})) {
    responses[status] ??= problemAnswer(code, Number(status))
  }
  if (route.query) {
    responses[431] ??= {
      description: `Address and headers come to more than ${maxHeaderBytes / 1024} KiB; without a body`,
    }
  }
  const parameters = [
    ...parametersOf('path', route.params as z.ZodType | undefined, schemas),
    ...parametersOf('query', route.query as z.ZodType | undefined, schemas),
    ...headersOf(route.raw as RawDef | undefined),
  ]
  const requestBody = requestBodyOf(route, schemas)
  return {
    operationId: operationId(route),
    tags: [route.tag],
    summary: route.summary,
    security: securityOf(route),
    ...(parameters.length > 0 && { parameters }),
    ...(requestBody && { requestBody }),
    responses,
  }
}

function requestBodyOf<S>(route: AnyRoute<S>, schemas: Record<string, Json>): Json | undefined {
  if (route.multipart) {
    const { file, types, fields } = route.multipart
    const { properties = {}, required = [] } = toJsonSchema(fields, schemas) as {
      properties?: Record<string, Json>
      required?: string[]
    }
    // A form sends what was left empty as an empty part, which is as good as none.
    const parts = Object.entries(properties).map(([name, { description, ...part }]) => [
      name,
      {
        ...(description !== undefined && { description }),
        ...(required.includes(name) || part['type'] === 'array'
          ? part
          : { anyOf: [part, { type: 'string', maxLength: 0 }] }),
      },
    ])
    const schema = {
      type: 'object',
      required: [file, ...required],
      properties: { [file]: { type: 'string', format: 'binary' }, ...Object.fromEntries(parts) },
    }
    const encoding = { [file]: { contentType: types.join(', ') } }
    return { required: true, content: { 'multipart/form-data': { schema, encoding } } }
  }
  const raw = route.raw as RawDef | undefined
  if (raw?.reads) {
    return { content: Object.fromEntries(raw.reads.map((type) => [type, { schema: binary }])) }
  }
  if (!route.body) return undefined
  const schema = toJsonSchema(route.body as z.ZodType, schemas)
  return {
    required: !(route.body as z.ZodType).safeParse(undefined).success,
    content: {
      'application/json': { schema, ...(route.example !== undefined && { example: route.example }) },
    },
  }
}

const binary: Json = { type: 'string', format: 'binary' }

/** What is known of a body by its type alone: JSON is parsed by whoever reads the answer, all else is bytes. */
function bodyOf(type: string): Json {
  if (type === 'application/problem+json') return { $ref: '#/components/schemas/Problem' }
  return type === 'application/json' ? {} : binary
}

function rawAnswers(raw: RawDef): Json {
  const answers = Object.entries(raw.answers).map(([status, { description, types = [], headers = {} }]) => [
    status,
    {
      description,
      ...(Object.keys(headers).length > 0 && {
        headers: Object.fromEntries(
          Object.entries(headers).map(([name, tells]) => [name, { description: tells, schema: { type: 'string' } }]),
        ),
      }),
      ...(types.length > 0 && { content: Object.fromEntries(types.map((type) => [type, { schema: bodyOf(type) }])) }),
    },
  ])
  return Object.fromEntries(answers)
}

/** The same as for GET, with no body. */
function headOf<S>(route: AnyRoute<S>, schemas: Record<string, Json>): Json {
  const raw = route.raw as RawDef
  const answers = Object.entries(raw.answers).map(([status, { types: _none, ...answer }]) => [status, answer])
  return operation({ ...route, method: 'head', raw: { ...raw, answers: Object.fromEntries(answers) } }, schemas)
}

function headersOf(raw: RawDef | undefined): Json[] {
  return Object.entries(raw?.headers ?? {}).map(([name, description]) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  }))
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
  if (route.multipart) found.add('invalid')
  if (route.body || route.multipart) found.add('too_large').add('unsupported_media')
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
