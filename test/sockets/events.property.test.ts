import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { events } from '../../rooms/index.ts'
import { errorStatus } from '../../src/kernel/errors.ts'
import { ackMs, type TestSocket } from '../support/socket.ts'
import { createWorld, type Person, type World } from '../support/world.ts'
import { cast, expectOrdered, roomOf, say, tell } from '../support/worlds.ts'

let world: World
let people: Person[]
let sockets: TestSocket[]
/** Of things that are there, so that payloads get past the first look-up. */
const ids: string[] = []

beforeAll(async () => {
  world = await createWorld({ instances: 2 })
  const all = await cast(world, 'Ann', 'Ben', 'Cleo')
  people = all.people
  sockets = all.sockets
  const [ann, ben] = sockets as [TestSocket, TestSocket]
  for (const visibility of ['public', 'private']) {
    const room = await roomOf([ann, ben], { visibility })
    ids.push(room.id, (await say(ann, room)).id, (await say(ben, room)).id)
  }
  ids.push((await tell(ann, people[1]!)).id, (await tell(ben, people[0]!)).id)
  ids.push(...people.map(({ id }) => id), '01HYN8FXZ2W6X8K6YTNPEKXYM7')
})
afterAll(() => world?.close())

type Json = Record<string, any>

const knownIds = fc.nat().map((index) => ids[index % ids.length]!)
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', ' ', '\u0000', '\ud800', '$where', '@Ann @Ben', '__proto__', '-"', '😀', 'x'.repeat(9_000)),
)
const oddities: unknown[] = [
  ...[null, -1, 0, 1.5, 2 ** 53, -(2 ** 31), 1e308, [], {}, [[]], { $gt: '' }, { $ne: null }, { length: 1e9 }],
  JSON.parse('{"__proto__":{"ok":true}}'),
  { constructor: { prototype: {} } },
]
const anything = fc.oneof(fc.jsonValue({ maxDepth: 3 }), texts, fc.constantFrom(...oddities), knownIds)

/** Values that a JSON Schema allows, or nearly. */
function valuesOf(schema: Json): fc.Arbitrary<unknown> {
  if (schema['const'] !== undefined) return fc.constant(schema['const'])
  if (schema['enum']) return fc.constantFrom(...schema['enum'])
  const variants = schema['anyOf'] ?? schema['oneOf']
  if (variants) return fc.oneof(...variants.map(valuesOf))
  switch (schema['type']) {
    case 'object': {
      const properties = Object.entries(schema['properties'] ?? {}) as [string, Json][]
      return fc.record(Object.fromEntries(properties.map(([key, value]) => [key, valuesOf(value)])), {
        requiredKeys: schema['required'] ?? [],
        noNullPrototype: true,
      })
    }
    case 'array':
      return fc.array(valuesOf(schema['items'] ?? {}), { minLength: schema['minItems'] ?? 0, maxLength: 4 })
    case 'string':
      return schema['pattern']?.includes('HJKMNP') ? knownIds : fc.string({ minLength: 1, maxLength: 20 })
    case 'integer':
    case 'number':
      return fc.oneof(
        fc.integer({ min: Math.max(schema['minimum'] ?? 0, -10), max: Math.min(schema['maximum'] ?? 20, 20) }),
        fc.integer(),
      )
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    default:
      return anything
  }
}

/** Takes a value and spoils one place in it. */
const spoiled = (values: fc.Arbitrary<unknown>) =>
  fc
    .tuple(values, fc.nat(), anything, fc.constantFrom('replace', 'remove', 'add'))
    .map(([value, place, other, how]) => {
      const copy = structuredClone(value)
      const places: [Json, string][] = []
      const walk = (node: unknown) => {
        if (typeof node !== 'object' || node === null) return
        for (const key of Object.keys(node)) {
          places.push([node as Json, key])
          walk((node as Json)[key])
        }
      }
      walk(copy)
      if (places.length === 0) return other
      const [parent, key] = places[place % places.length]!
      if (how === 'remove') delete parent[key]
      else if (how === 'add') parent[`${key}x`] = other
      else parent[key] = other
      return copy
    })

const codes = new Set(Object.keys(errorStatus).filter((code) => code !== 'internal'))

async function expectAck(socket: TestSocket, event: string, payload: unknown) {
  const ack: any = await socket.socket.timeout(ackMs).emitWithAck(event, payload)
  if (ack.ok === true) {
    expect(Object.keys(ack).sort()).toEqual(['data', 'ok'])
    return
  }
  expect(ack.ok).toBe(false)
  expect([...codes], `${event} ${JSON.stringify(payload)}`).toContain(ack.error.code)
  expect(ack.error.message.length).toBeGreaterThan(0)
  expect(JSON.stringify(ack).length).toBeLessThan(20_000)
}

async function expectAlive() {
  const [ann, ben] = sockets as [TestSocket, TestSocket]
  const room = await roomOf([ann, ben])
  const said = await say(ann, room)
  expect((await ben.next('room:message', ({ id }) => id === said.id)).content).toBe(said.content)
  for (const id of ids) for (const socket of sockets) expectOrdered(socket, { roomId: id }, false)
  expect(world.errors).toEqual([])
}

describe('whatever a payload is', () => {
  for (const event of events) {
    test(`[SOCK-40] ${event.name} is acked, and never with internal`, async () => {
      const valid = valuesOf(z.toJSONSchema(event.payload, { io: 'input', unrepresentable: 'any' }))
      const payloads = fc.oneof(
        { weight: 1, arbitrary: anything },
        { weight: 2, arbitrary: valid },
        { weight: 3, arbitrary: spoiled(valid) },
      )
      await fc.assert(
        fc.asyncProperty(fc.array(payloads, { minLength: 12, maxLength: 12 }), async (batch) => {
          await Promise.all(batch.map((payload, index) => expectAck(sockets[index % 3]!, event.name, payload)))
        }),
        { numRuns: 8, endOnFailure: true, timeout: 100_000 },
      )
    })
  }

  test('[SOCK-41] after the storm the server answers, logs are in order, and no error was logged', expectAlive)
})

test('[SOCK-42] frames that were changed on the way end at most their own connection', async () => {
  const samples = [
    `42["room:history",{"roomId":"${ids[0]}"}]`,
    `421["room:send",{"roomId":"${ids[0]}","clientId":"a","content":"b"}]`,
    '422["dm:conversations",{"limit":3}]',
    '451-["room:send",{"_placeholder":true,"num":0}]',
  ]
  const frames = fc
    .tuple(fc.constantFrom(...samples), fc.array(fc.tuple(fc.nat(80), fc.string({ maxLength: 3 })), { maxLength: 3 }))
    .map(([frame, edits]) => edits.reduce((text, [at, put]) => text.slice(0, at) + put + text.slice(at + 1), frame))
  const token = people[2]!.accessToken
  const url = `${world.instances[0]!.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`
  await fc.assert(
    fc.asyncProperty(fc.array(frames, { minLength: 5, maxLength: 20 }), async (batch) => {
      const socket = new WebSocket(url)
      socket.on('error', () => {})
      const closed = new Promise((done) => socket.once('close', done))
      await new Promise((done) => socket.once('open', done).once('error', done))
      socket.send(`40${JSON.stringify({ token })}`)
      for (const frame of batch) if (socket.readyState === WebSocket.OPEN) socket.send(frame)
      await new Promise((done) => setTimeout(done, 20))
      socket.terminate()
      await closed
    }),
    { numRuns: 40, endOnFailure: true, timeout: 100_000 },
  )
  await expectAlive()
})
