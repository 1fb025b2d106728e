import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { routes } from '../../src/http/index.ts'
import { type Answer, type Person, startServer, type TestServer } from '../support/http-server.ts'
import { startTestMongod, type TestMongod } from '../support/mongod.ts'

let mongod: TestMongod
let server: TestServer
let person: Person
let bot: string

beforeAll(async () => {
  mongod = await startTestMongod('input')
  server = await startServer({ mongoUri: mongod.uri })
  person = await server.signUp()
  const made = await server.ask('POST', '/api/v1/bots', {
    token: person.accessToken,
    body: { name: 'b', scopes: ['profile:read'] },
  })
  bot = made.body.token
})
afterAll(async () => {
  await server?.close()
  await mongod?.close()
})

const hostile = fc.constantFrom<unknown>(
  '\u0000',
  '\ud800',
  '__proto__',
  '$where',
  '{"$gt":""}',
  '%00%zz',
  '../../etc/passwd',
  'x'.repeat(5_000),
  'a@b.cd',
  '01HYN8FXZ2W6X8K6YTNPEKXYM7',
  { $gt: '' },
  { $ne: null },
  [],
  [[]],
  1e308,
  -0,
  Number.MAX_SAFE_INTEGER,
  null,
  true,
  'correct horse',
)
const value = fc.oneof(
  hostile,
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.jsonValue({ maxDepth: 3 }),
) as fc.Arbitrary<unknown>
const names = [
  ...new Set(
    routes.flatMap((route) =>
      [route.body, route.query].flatMap((type) => {
        const shape = type?.shape ?? type?.unwrap?.()?.shape
        return shape ? Object.keys(shape) : []
      }),
    ),
  ),
]
const key = fc.oneof(fc.constantFrom(...names, '__proto__', 'constructor', 'toString'), fc.string())
/** Bodies near to what is declared: its names, with values of any kind. */
const body = fc.oneof(
  { weight: 3, arbitrary: fc.dictionary(key, value, { maxKeys: 8 }) },
  { weight: 1, arbitrary: value },
)
const text = fc.oneof(
  hostile.map((item) => String(item)),
  fc.string({ unit: 'binary', maxLength: 60 }),
)
const safely = (part: string) =>
  encodeURIComponent(part.replace(/[\ud800-\udfff]/g, '')).replace(/^\.{1,2}$/, '%2E') || '%20'

function checkAnswer(answer: Answer, what: string) {
  expect(answer.status, what).toBeLessThan(500)
  if (answer.status < 400) return
  expect(answer.headers.get('Content-Type'), what).toBe('application/problem+json')
  expect(answer.body.code, what).toBeTypeOf('string')
  expect(answer.body.status, what).toBe(answer.status)
}

describe('input of every kind', () => {
  const skipped = new Set(['post /api/v1/auth/logout'])
  for (const route of routes) {
    const name = `${route.method} ${route.path}`
    if (skipped.has(name)) continue
    test(`[HTTP-16] ends in an answer with a code: ${name}`, async () => {
      const request = fc.record({
        params: fc.array(text, { minLength: 3, maxLength: 3 }),
        query: fc.array(fc.tuple(key, text), { maxLength: 5 }),
        body,
        token: fc.constantFrom('person', 'bot', 'none', 'junk'),
        raw: fc.option(fc.string({ unit: 'binary', maxLength: 200 }), { freq: 10 }),
        rawQuery: fc.option(fc.constantFrom('%', '%zz=%', '&&==', 'limit=%00', 'cursor=W251bGxd', 'q=%F0%9F')),
      })
      await fc.assert(
        fc.asyncProperty(request, async ({ params, query, body, token, raw, rawQuery }) => {
          let n = 0
          const path = route.path.replace(/\{\w+\}/g, () => safely(params[n++]!))
          const search = rawQuery ?? query.map(([k, v]) => `${safely(k)}=${safely(v)}`).join('&')
          const tokens = { person: person.accessToken, bot, none: undefined, junk: 'junk' }
          const hasBody = route.method !== 'get'
          const answer = await server.ask(route.method.toUpperCase(), `${path}?${search}`, {
            token: tokens[token as keyof typeof tokens],
            ...(hasBody && (raw === null ? { body } : { raw, headers: { 'Content-Type': 'application/json' } })),
          })
          checkAnswer(answer, `${path}?${search} ${JSON.stringify(body)}`)
        }),
        { numRuns: 40 },
      )
    })
  }

  test('[HTTP-17] still serves after all that', async () => {
    expect((await server.ask('GET', '/api/v1/me', { token: person.accessToken })).status).toBe(200)
    expect(server.logged.filter((line) => line['level'] >= 50)).toEqual([])
  })
})
