import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { upload } from '../files/fixtures.ts'
import { expectModel } from '../support/wire.ts'
import { createWorld, type Person, type World } from '../support/world.ts'
import { makeTrack } from './tracks.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 180_000 })

let world: World
let jane: Person
const modelVersion = 'other-ears/1'

beforeAll(async () => {
  world = await createWorld({ instances: 2 })
  jane = await world.user('Jane')
})
afterAll(() => world?.close())

test('[ANA-22] bots that analyse hear of recordings once they are public, on every instance, and nobody else does', async () => {
  const [analyst, reader] = await Promise.all([
    world.bot(jane, ['analysis:write', 'audio:read']),
    world.bot(jane, ['audio:read']),
  ])
  const [first, second, other, own] = await Promise.all([
    world.connect(analyst, 0),
    world.connect(analyst, 1),
    world.connect(reader, 1),
    world.connect(jane, 1),
  ])
  const file = await upload(world, jane, {
    file: makeTrack(2),
    fields: [
      ['title', 'Draft'],
      ['visibility', 'draft'],
    ],
  })
  const open = await upload(world, jane, { file: makeTrack(2) })
  for (const socket of [first, second]) {
    expect(await socket.next('audio:new')).toEqual({ audioFileId: open.id })
  }
  await world.ask('PATCH', `/api/v1/audio-files/${file.id}`, { as: jane, body: { visibility: 'public' } })
  for (const socket of [first, second]) {
    expect(await socket.next('audio:new', ({ audioFileId }: any) => audioFileId === file.id)).toBeTruthy()
  }
  for (const socket of [other, own]) expect(socket.received.some(({ event }) => event === 'audio:new')).toBe(false)
})

test('[ANA-23] a bot is told which public recordings its model has not heard, in pages, and adds what it heard', async () => {
  const robot = await world.bot(jane, ['analysis:write', 'audio:read'])
  const socket = await world.connect(robot)
  const files = []
  for (let count = 0; count < 3; count++) files.push(await upload(world, jane, { file: makeTrack(2) }))
  const ids = files.map(({ id }) => id).reverse()
  const wanted = (more: object) => socket.emit('analysis:wanted', { modelVersion, ...more })
  const first = await wanted({ limit: 2 })
  expect(first.audioFileIds).toEqual(ids.slice(0, 2))
  const rest = await wanted({ limit: 2, cursor: first.nextCursor })
  expect(rest.audioFileIds[0]).toBe(ids[2])
  const heard = { tempo: 121, key: 'F#m', confidence: 0.5, metadata: { colour: 'blue' }, modelVersion }
  const result = await socket.emit('analysis:add', { audioFileId: ids[1], ...heard })
  expectModel('AIAudioFileAnalysisResult', result)
  expect(result).toMatchObject({ audioFileId: ids[1], ...heard })
  expect((await wanted({ limit: 2 })).audioFileIds).toEqual([ids[0], ids[2]])
  expect((await wanted({ limit: 2, modelVersion: 'other-ears/2' })).audioFileIds).toEqual(ids.slice(0, 2))
  let cursor: string | undefined
  const all: string[] = []
  do {
    const page = await wanted({ limit: 1, ...(cursor && { cursor }) })
    all.push(...page.audioFileIds)
    cursor = page.nextCursor ?? undefined
  } while (cursor)
  expect(new Set(all).size).toBe(all.length)
  expect(all).not.toContain(ids[1])
  expect(all).toEqual(expect.arrayContaining([ids[0], ids[2]]))
})

test('[ANA-24] people, bots without the scope, wrong keys and strangers’ private recordings are refused', async () => {
  const joe = await world.user('Joe')
  const secret = await upload(world, joe, {
    file: makeTrack(2),
    fields: [
      ['title', 'Secret'],
      ['visibility', 'private'],
    ],
  })
  const open = await upload(world, joe, { file: makeTrack(2) })
  const person = await world.connect(jane)
  const reader = await world.connect(await world.bot(jane, ['audio:read']))
  const analyst = await world.connect(await world.bot(jane, ['analysis:write', 'audio:read']))
  const add = { audioFileId: open.id, tempo: 100, modelVersion }
  for (const socket of [person, reader]) {
    expect(await socket.codeOf('analysis:wanted', { modelVersion })).toBe('forbidden')
    expect(await socket.codeOf('analysis:add', add)).toBe('forbidden')
  }
  expect(await analyst.codeOf('analysis:add', { ...add, audioFileId: secret.id })).toBe('not_found')
  expect(await analyst.codeOf('analysis:add', { ...add, key: 'H dur' })).toBe('invalid')
  expect(await analyst.codeOf('analysis:wanted', { modelVersion, cursor: 'x' })).toBe('invalid')
})
