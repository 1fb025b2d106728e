import { once } from 'node:events'
import { connect } from 'node:net'
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineRoute } from '../../src/http/define.ts'
import { routes } from '../../src/http/index.ts'
import { AppError, errorStatus, toAppError } from '../../src/kernel/errors.ts'
import { startServer, type TestServer } from '../support/http-server.ts'
import { startTestMongod, type TestMongod } from '../support/mongod.ts'

let mongod: TestMongod
let server: TestServer
let ready = true

const slow = { points: 3, seconds: 60 }
const probe = {
  tag: 'Probe',
  summary: 'For tests',
  auth: 'none' as const,
  rate: { points: 1e6, seconds: 1 },
  status: 200 as const,
}
const probes = [
  defineRoute({
    ...probe,
    method: 'post',
    path: '/api/v1/probe/echo/{id}',
    params: z.object({ id: z.string().max(50) }),
    query: z.object({ n: z.coerce.number().int().optional(), words: z.array(z.string()).optional() }),
    body: z.object({ text: z.string() }).catchall(z.unknown()),
    answer: z.object({ input: z.unknown(), ip: z.string().optional() }),
    handle: async ({ http }, input) => ({ input, ip: http.ipAddress }),
  }),
  defineRoute({
    ...probe,
    method: 'get',
    path: '/api/v1/probe/echo/all',
    status: 204,
    handle: async () => {},
  }),
  ...(Object.keys(errorStatus) as (keyof typeof errorStatus)[]).map((code) =>
    defineRoute({
      ...probe,
      method: 'get',
      path: `/api/v1/probe/fail/${code}`,
      answer: z.object({}),
      errors: [code],
      async handle() {
        if (code === 'internal') throw new Error('the secret cause')
        throw new AppError(code, 'a detail', { retryAfterMs: 2_500 })
      },
    }),
  ),
  defineRoute({
    ...probe,
    method: 'get',
    path: '/api/v1/probe/slow',
    rate: slow,
    status: 204,
    handle: async () => {},
  }),
  defineRoute({
    ...probe,
    method: 'get',
    path: '/api/v1/probe/untrue',
    answer: z.object({ n: z.number() }),
    handle: async () => ({ n: 'text' }) as never,
  }),
  defineRoute({
    ...probe,
    method: 'get',
    path: '/api/v1/probe/raw',
    query: z.object({ n: z.coerce.number().int() }),
    raw: {
      headers: { Range: 'Which bytes' },
      answers: {
        206: { description: 'Bytes', types: ['audio/mpeg'], headers: { 'Content-Range': 'Which bytes these are' } },
        304: { description: 'As it was' },
      },
    },
    errors: ['gone'],
    async handle({ http }, { query }) {
      if (query.n < 0) throw new AppError('gone', 'It was')
      const headers = { 'Content-Type': 'audio/mpeg', 'Content-Length': '3', 'Content-Range': 'bytes 0-2/9' }
      return new Response(http.method === 'HEAD' ? null : 'abc', { status: 206, headers })
    },
  }),
  defineRoute({
    ...probe,
    method: 'head',
    path: '/api/v1/probe/told',
    raw: { answers: { 200: { description: 'Told' } } },
    handle: async () => new Response(null, { headers: { 'X-Told': 'head' } }),
  }),
  defineRoute({
    ...probe,
    method: 'get',
    path: '/api/v1/probe/told',
    answer: z.object({ by: z.string() }),
    handle: async () => ({ by: 'get' }),
  }),
  defineRoute({
    ...probe,
    method: 'options',
    path: '/api/v1/probe/told',
    status: 204,
    raw: { answers: { 204: { description: 'What it can' } } },
    handle: async () => new Response(null, { status: 204, headers: { 'X-Told': 'options' } }),
  }),
  defineRoute({
    ...probe,
    method: 'post',
    path: '/api/v1/probe/parts',
    multipart: { file: 'file', types: ['audio/mpeg'], fields: z.object({ title: z.string() }) },
    answer: z.object({ bytes: z.number() }),
    statuses: { 507: 'unavailable' },
    async handle({ http }) {
      let bytes = 0
      for await (const chunk of http.incoming) bytes += chunk.length
      if (bytes > 1_000) throw new AppError('unavailable', 'No room is left', { status: 507 })
      return { bytes }
    },
  }),
]

beforeAll(async () => {
  mongod = await startTestMongod('http')
  server = await startServer({
    mongoUri: mongod.uri,
    routes: [...routes, ...probes],
    env: { CORS_ORIGINS: 'https://app.example', RATE_LIMITS: 'on' },
    readiness: async () => (ready ? { ready, reasons: [] } : { ready, reasons: ['MongoDB is out of reach'] }),
  })
})
afterAll(async () => {
  await server?.close()
  await mongod?.close()
})

const echo = (options: object, query = '') => server.ask('POST', `/api/v1/probe/echo/x${query}`, options)
const json = { 'Content-Type': 'application/json' }

/** Sends bytes as they are and returns the first line and body of what comes back. */
async function send(text: string): Promise<string> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.write(text)
  let answer = ''
  socket.setTimeout(5_000, () => socket.destroy(new Error('No answer in 5 s')))
  for await (const chunk of socket) answer += chunk
  return answer
}

describe('raw routes', () => {
  test('[HTTP-21] answers with what a raw route makes, HEAD without its body, errors as problems', async () => {
    const answer = await server.ask('GET', '/api/v1/probe/raw?n=1')
    expect(answer).toMatchObject({ status: 206, body: 'abc' })
    expect(answer.headers.get('Content-Range')).toBe('bytes 0-2/9')
    expect(answer.headers.get('X-Content-Type-Options')).toBe('nosniff')
    const head = await server.ask('HEAD', '/api/v1/probe/raw?n=1')
    expect(head).toMatchObject({ status: 206, body: '' })
    expect(head.headers.get('Content-Length')).toBe('3')
    expect(await server.ask('GET', '/api/v1/probe/raw?n=-1')).toMatchObject({ status: 410, body: { code: 'gone' } })
    expect(await server.ask('GET', '/api/v1/probe/raw')).toMatchObject({ status: 422, body: { code: 'invalid' } })
    expect((await server.ask('HEAD', '/api/v1/probe/told')).headers.get('X-Told')).toBe('head')
    expect((await server.ask('GET', '/api/v1/probe/told')).body).toEqual({ by: 'get' })
    expect((await server.ask('OPTIONS', '/api/v1/probe/told')).headers.get('X-Told')).toBe('options')
    const asked = { headers: { Origin: 'https://app.example', 'Access-Control-Request-Method': 'HEAD' } }
    expect((await server.ask('OPTIONS', '/api/v1/probe/told', asked)).headers.get('X-Told')).toBe(null)
    const { paths } = (await server.ask('GET', '/api/openapi.json')).body
    const raw = paths['/api/v1/probe/raw']
    expect(raw.get.responses['206'].content).toHaveProperty(['audio/mpeg'])
    expect(raw.head.responses['206']).not.toHaveProperty('content')
    expect(Object.keys(raw.get.responses)).toEqual(expect.arrayContaining(['206', '304', '410', '422', '429']))
    expect(raw.get.parameters.map((one: { name: string }) => one.name)).toEqual(['n', 'Range'])
  })

  test('[HTTP-23] tells which methods a path has, and refuses others by 405', async () => {
    const answer = await server.ask('PUT', '/api/v1/sessions')
    expect(answer).toMatchObject({ status: 405, body: { code: 'not_found', status: 405 } })
    expect(answer.headers.get('Allow')).toBe('GET, HEAD, OPTIONS')
    const options = await server.ask('OPTIONS', '/api/v1/auth/login')
    expect(options.headers.get('Allow')).toBe('POST, OPTIONS')
    expect((await server.ask('DELETE', '/api/v1/nowhere')).status).toBe(404)
    // A path that is declared as it is stands for nobody's id.
    const post = await server.ask('POST', '/api/v1/probe/echo/all', { body: { text: 'x' } })
    expect([post.status, post.headers.get('Allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
    expect((await server.ask('GET', '/api/v1/probe/echo/all')).status).toBe(204)
  })

  test('[HTTP-22] leaves a multipart body to its route, and gives a problem a status of its own', async () => {
    const headers = { 'Content-Type': 'multipart/form-data; boundary=x' }
    const ask = (raw: string) => server.ask('POST', '/api/v1/probe/parts', { raw, headers })
    expect(await ask('some bytes')).toMatchObject({ status: 200, body: { bytes: 10 } })
    expect(await ask('x'.repeat(2_000))).toMatchObject({ status: 507, body: { status: 507, code: 'unavailable' } })
    const { paths } = (await server.ask('GET', '/api/openapi.json')).body
    const { requestBody, responses } = paths['/api/v1/probe/parts'].post
    expect(requestBody.content['multipart/form-data'].schema).toMatchObject({ required: ['file', 'title'] })
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['200', '413', '415', '422', '507']))
  })
})

describe('errors', () => {
  test('[HTTP-01] answers each code as a problem with its status, and keeps causes to itself', async () => {
    for (const [code, status] of Object.entries(errorStatus)) {
      const answer = await server.ask('GET', `/api/v1/probe/fail/${code}`)
      expect(answer.status).toBe(status)
      expect(answer.headers.get('Content-Type')).toBe('application/problem+json')
      expect(answer.body).toMatchObject({ status, code, type: `/api/docs#error-${code}` })
      expect(answer.body.title).toBeTypeOf('string')
      expect(answer.body.detail).toBeTypeOf('string')
      const waits = code === 'rate_limited' || code === 'unavailable'
      expect(answer.headers.get('Retry-After')).toBe(waits ? '3' : null)
      expect(JSON.stringify(answer.body)).not.toContain('secret cause')
    }
    expect(server.logged.some((line) => line['err']?.message === 'the secret cause')).toBe(true)
  })

  test('[HTTP-02] answers not_found for an unknown route', async () => {
    for (const [method, path] of [
      ['GET', '/api/v1/nothing'],
      ['POST', '/healthz'],
      ['GET', '/api/v1/%00'],
      ['GET', '/api/v1/%E0%A4%A'],
    ] as const) {
      const answer = await server.ask(method, path)
      expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } })
    }
  })

  test('[HTTP-03] says where an input is at fault', async () => {
    const answer = await server.ask('POST', '/api/v1/auth/register', { body: { email: 'x', password: 'short' } })
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid' } })
    expect(answer.body.errors.map((issue: { path: string }) => issue.path).sort()).toEqual([
      'displayName',
      'email',
      'password',
    ])
  })

  test('[HTTP-04] refuses bodies that are not JSON, not UTF-8, of another type, compressed, or too large', async () => {
    const cases: [object, number, string][] = [
      [{ raw: '{"text":', headers: json }, 422, 'invalid'],
      [{ raw: '', headers: json }, 422, 'invalid'],
      [{ raw: Buffer.from('{"text":"\xff"}', 'latin1'), headers: json }, 422, 'invalid'],
      [{ raw: '{"text":"x"}', headers: { 'Content-Type': 'text/plain' } }, 415, 'unsupported_media'],
      [
        { raw: '{"text":"x"}', headers: { 'Content-Type': 'application/json; charset=latin1' } },
        415,
        'unsupported_media',
      ],
      [{ raw: '{"text":"x"}', headers: { ...json, 'Content-Encoding': 'gzip' } }, 415, 'unsupported_media'],
      [{ body: { text: 'x'.repeat(300_000) } }, 413, 'too_large'],
      [{ body: [] }, 422, 'invalid'],
      [{ body: null }, 422, 'invalid'],
      [{ raw: '['.repeat(100_000), headers: json }, 422, 'invalid'],
    ]
    for (const [options, status, code] of cases) expect(await echo(options)).toMatchObject({ status, body: { code } })
    for (const type of ['application/json; charset=UTF-8', 'application/merge-patch+json', 'APPLICATION/JSON']) {
      expect((await echo({ raw: '{"text":"é"}', headers: { 'Content-Type': type } })).body.input.body).toEqual({
        text: 'é',
      })
    }
  })

  test('[HTTP-05] bounds a body that does not say its length, and answers while it still comes', async () => {
    const chunk = 'x'.repeat(65_536)
    const answer = await send(
      `POST /api/v1/probe/echo/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${`10000\r\n${chunk}\r\n`.repeat(5)}0\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1.1 413 /)
    expect(answer).toContain('"code":"too_large"')
  })

  test('[HTTP-06] answers a malformed Host or request target with a problem, and lives on', async () => {
    for (const head of [
      'GET / HTTP/1.1\r\nHost: a b',
      'GET / HTTP/1.1\r\nHost: [',
      'GET //[ HTTP/1.1\r\nHost: x',
      'GET http://[/x HTTP/1.1\r\nHost: x',
    ]) {
      const answer = await send(`${head}\r\nConnection: close\r\n\r\n`)
      expect(answer).toMatch(/^HTTP\/1.1 4\d\d /)
    }
    expect((await server.ask('GET', '/healthz')).status).toBe(200)
  })

  test('[HTTP-07] keeps hostile keys from becoming anything, and takes a parameter given twice as a list', async () => {
    const raw = '{"text":"x","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'
    expect((await echo({ raw, headers: json }, '?__proto__[polluted]=1&constructor=2')).status).toBe(200)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect((await echo({ body: { text: 'x' } }, '?n=1&n=2')).status).toBe(422)
    expect((await echo({ body: { text: 'x' } }, '?words=a&words=b')).body.input.query.words).toEqual(['a', 'b'])
    expect((await echo({ body: { text: 'x' } }, '?words=a')).body.input.query.words).toEqual(['a'])
    expect((await echo({ body: { text: 'x' } }, '?n=%zz')).status).toBe(422)
  })

  test('[HTTP-08] holds answers against their declaration when asked to', async () => {
    expect(await server.ask('GET', '/api/v1/probe/untrue')).toMatchObject({ status: 500, body: { code: 'internal' } })
  })

  test('[HTTP-09] limits a caller’s rate and says when to come back', async () => {
    const get = () => server.ask('GET', '/api/v1/probe/slow')
    for (let i = 0; i < slow.points; i++) expect((await get()).status).toBe(204)
    const refused = await get()
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } })
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(50)
  })

  test('[HTTP-10] believes X-Forwarded-For only from trusted proxies', async () => {
    const forwarded = { 'X-Forwarded-For': '198.51.100.7, 203.0.113.9, 10.1.2.3' }
    const ipSeen = async (env?: Record<string, string>) => {
      if (!env) return (await echo({ body: { text: 'x' }, headers: forwarded })).body.ip
      const other = await startServer({ mongoUri: mongod.uri, routes: probes, env })
      try {
        return (await other.ask('POST', '/api/v1/probe/echo/x', { body: { text: 'x' }, headers: forwarded })).body.ip
      } finally {
        await other.close()
      }
    }
    expect(await ipSeen()).toBe('127.0.0.1')
    expect(await ipSeen({ TRUST_PROXY: 'on' })).toBe('198.51.100.7')
    expect(await ipSeen({ TRUST_PROXY: 'loopback,10.0.0.0/8' })).toBe('203.0.113.9')
    expect(await ipSeen({ TRUST_PROXY: '10.0.0.0/8' })).toBe('127.0.0.1')
    await expect(ipSeen({ TRUST_PROXY: 'nonsense' })).rejects.toThrow(/TRUST_PROXY/)
  })
})

describe('browsers', () => {
  test('[HTTP-11] lets listed origins in with credentials, and no others', async () => {
    const preflight = (origin: string) =>
      server.ask('OPTIONS', '/api/v1/me/profile', {
        headers: {
          Origin: origin,
          'Access-Control-Request-Method': 'PATCH',
          'Access-Control-Request-Headers': 'authorization',
        },
      })
    const yes = await preflight('https://app.example')
    expect(yes.status).toBe(204)
    expect(yes.headers.get('Access-Control-Allow-Origin')).toBe('https://app.example')
    expect(yes.headers.get('Access-Control-Allow-Credentials')).toBe('true')
    expect(yes.headers.get('Access-Control-Allow-Methods')).toContain('PATCH')
    expect(yes.headers.get('Access-Control-Allow-Headers')).toContain('Authorization')
    for (const origin of ['https://evil.example', 'null', 'https://app.example.evil.example']) {
      const no = await preflight(origin)
      expect(no.headers.get('Access-Control-Allow-Origin')).toBeNull()
      expect(no.headers.get('Vary')).toContain('Origin')
    }
    const refused = await server.ask('GET', '/api/v1/me', { headers: { Origin: 'https://app.example' } })
    expect(refused.status).toBe(401)
    expect(refused.headers.get('Access-Control-Allow-Origin')).toBe('https://app.example')
  })

  test('[HTTP-12] sends security headers and a request id with every answer, HEAD like GET', async () => {
    for (const path of ['/healthz', '/api/v1/me', '/api/docs', '/nothing']) {
      const { headers } = await server.ask('GET', path)
      expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
      expect(headers.get('Content-Security-Policy')).toContain("default-src 'none'")
      expect(headers.get('X-Request-Id')).toMatch(/^[0-9A-Z]{26}$/)
    }
    const given = await server.ask('GET', '/healthz', { headers: { 'X-Request-Id': 'mine-1' } })
    expect(given.headers.get('X-Request-Id')).toBe('mine-1')
    const head = await server.ask('HEAD', '/healthz')
    expect([head.status, head.body]).toEqual([200, ''])
  })
})

describe('documents', () => {
  test('[HTTP-13] describes every route in a valid OpenAPI 3.1 document', async () => {
    const { body } = await server.ask('GET', '/api/openapi.json')
    const result = await new Validator().validate(structuredClone(body))
    expect(result.errors ?? []).toEqual([])
    expect(result.valid).toBe(true)
    expect(body.openapi).toBe('3.1.0')
    const operations = Object.entries(body.paths).flatMap(([path, item]) =>
      Object.entries(item as object).map(([method, operation]) => ({ path, method, operation })),
    )
    const declared = [...routes, ...probes]
    const heads = declared.filter((route) => route.method === 'get' && 'raw' in route && route.raw)
    expect(operations).toHaveLength(declared.length + heads.length)
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length)
    for (const { path, operation } of operations) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
      const declared = (operation.parameters ?? []).filter((parameter: { in: string }) => parameter.in === 'path')
      expect(declared.map((parameter: { name: string }) => parameter.name)).toEqual(named)
    }
    const text = JSON.stringify(body)
    for (const [, ref] of text.matchAll(/"\$ref":"#\/components\/(\w+\/\w+)"/g)) {
      const [kind, name] = ref!.split('/') as [string, string]
      expect(body.components[kind], ref).toHaveProperty(name)
    }
    expect(body.components.schemas.User.properties).not.toHaveProperty('passwordHash')
    expect(
      body.paths['/api/v1/sessions'].get.responses['200'].content['application/json'].schema.properties.items,
    ).toEqual({ type: 'array', items: { $ref: '#/components/schemas/Session' } })
  })

  test('[HTTP-14] shows the API on a page that needs nothing from elsewhere', async () => {
    const { body, headers } = await server.ask('GET', '/api/docs')
    expect(headers.get('Content-Type')).toMatch(/^text\/html/)
    for (const code of Object.keys(errorStatus)) expect(body).toContain(`id="error-${code}"`)
    const loaded = [...body.matchAll(/(?:src|href)="(\/api\/docs\/assets\/[^"]+)"/g)].map(
      (match: string[]) => match[1]!,
    )
    expect(loaded.length).toBeGreaterThan(3)
    for (const path of loaded) expect((await server.ask('GET', path)).status, path).toBe(200)
    expect((await server.ask('GET', '/api/docs/assets/none.js')).status).toBe(404)
    expect(body).not.toMatch(/(?:src|href)="(?:https?:)?\/\//)
    expect((await server.ask('GET', '/api/asyncapi.json')).body.asyncapi).toBe('3.0.0')
  })

  test('[HTTP-15] tells whether it lives, is ready, and how it does', async () => {
    expect((await server.ask('GET', '/readyz')).status).toBe(200)
    ready = false
    expect(await server.ask('GET', '/readyz')).toMatchObject({
      status: 503,
      body: { reasons: ['MongoDB is out of reach'] },
    })
    ready = true
    const { body } = await server.ask('GET', '/metrics')
    expect(body).toMatch(
      /phantom_http_request_duration_seconds_count\{method="get",route="\/api\/v1\/me",status="401"\} \d/,
    )
  })
})

test('[HTTP-24] a connection that breaks under a request to the database is an outage, whoever words it', () => {
  for (const code of ['EPIPE', 'ECONNRESET', 'ETIMEDOUT', 11601, 91]) {
    const cause = Object.assign(new Error('This socket has been ended by the other party'), { code })
    expect(toAppError(cause)).toMatchObject({ code: 'unavailable', cause, retryAfterMs: 1000 })
  }
  expect(toAppError(Object.assign(new Error('No such file'), { code: 'ENOENT' })).code).toBe('internal')
})
