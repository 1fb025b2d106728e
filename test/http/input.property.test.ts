import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { routes } from '../../src/http/index.ts'
import { scopes } from '../../src/kernel/actor.ts'
import { type Answer, createWorld, type Person, type Robot, type World } from '../support/world.ts'

let world: World
let person: Person
let bot: Robot
/** Of things that are there, so that requests get past the first look-up. */
const ids: string[] = []

beforeAll(async () => {
  world = await createWorld()
  person = await world.user()
  bot = await world.bot(person, [...scopes])
  const post = async (path: string, body: object) => (await world.ask('POST', path, { as: person, body })).body.id
  const room = await post('/api/v1/chat-rooms', { name: 'Room', memberIds: [bot.id] })
  ids.push(person.id, bot.id, room, await post(`/api/v1/chat-rooms/${room}/messages`, { content: 'x' }))
  ids.push(await post('/api/v1/messages', { userId: bot.id, content: 'x' }))
})
afterAll(() => world?.close())

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
const knownIds = fc.nat().map((index) => ids[index % ids.length]!)
const safely = (part: string) =>
  encodeURIComponent(part.replace(/[\ud800-\udfff]/g, '')).replace(/^\.{1,2}$/, '%2E') || '%20'

function checkAnswer(answer: Answer, what: string, hasBody = true) {
  expect(answer.status, what).toBeLessThan(500)
  if (answer.status < 400) return
  expect(answer.headers.get('Content-Type'), what).toBe('application/problem+json')
  if (!hasBody) return
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
        params: fc.array(fc.oneof(text, knownIds), { minLength: 3, maxLength: 3 }),
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
          const askers = { person, bot, none: undefined, junk: { accessToken: 'junk' } }
          const hasBody = route.method !== 'get' && route.method !== 'head'
          const answer = await world.ask(route.method.toUpperCase(), `${path}?${search}`, {
            as: askers[token as keyof typeof askers],
            ...(hasBody && (raw === null ? { body } : { raw, headers: { 'Content-Type': 'application/json' } })),
          })
          checkAnswer(answer, `${path}?${search} ${JSON.stringify(body)}`, route.method !== 'head')
        }),
        { numRuns: 20 },
      )
    })
  }

  test('[HTTP-25] an address of up to 64 KiB is judged by what it says', async () => {
    const many = Array.from({ length: 1_500 }, () => `targetIds=${person.id}`).join('&')
    const answer = await world.ask('GET', `/api/v1/comments/counts?targetType=AudioFile&${many}`, { as: person })
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid' } })
    expect((await world.ask('GET', `/api/v1/me?q=${'x'.repeat(70_000)}`, { as: person })).status).toBe(431)
  })

  test('[HTTP-17] still serves after all that', async () => {
    expect((await world.ask('GET', '/api/v1/me', { as: person })).status).toBe(200)
    expect(world.errors).toEqual([])
  })
})
