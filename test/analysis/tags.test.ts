import sharp from 'sharp'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { upload } from '../files/fixtures.ts'
import { createWorld, type Person, type World } from '../support/world.ts'
import { makeTrack } from './tracks.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 180_000 })

let world: World
let jane: Person
beforeAll(async () => {
  world = await createWorld()
  jane = await world.user('Jane')
})
afterAll(() => world?.close())

/** A frame of ID3v2.3, whose sizes are plain. */
function frame(id: string, body: Buffer): Buffer {
  const head = Buffer.alloc(10)
  head.write(id, 0, 'latin1')
  head.writeUInt32BE(body.length, 4)
  return Buffer.concat([head, body])
}

/** A WAVE file with an ID3 chunk behind its sound. */
function tagged(wave: Buffer, frames: Buffer[]): Buffer {
  const body = Buffer.concat(frames)
  const head = Buffer.from('ID3\x03\0\0\0\0\0\0', 'latin1')
  for (let at = 0; at < 4; at++) head[6 + at] = (body.length >> (7 * (3 - at))) & 0x7f
  const tag = Buffer.concat([head, body, Buffer.alloc((head.length + body.length) % 2)])
  const chunk = Buffer.alloc(8)
  chunk.write('id3 ', 0, 'latin1')
  chunk.writeUInt32LE(tag.length, 4)
  const whole = Buffer.concat([wave, chunk, tag])
  whole.writeUInt32LE(whole.length - 8, 4)
  return whole
}

test('[ANA-11] a picture in the tags is the recording’s image, once; a genre is from the tags, or a guess of little confidence', async () => {
  const socket = await world.connect(jane)
  const done = (id: string) => socket.next('analysis:done', ({ audioFileId }: any) => audioFileId === id, 60_000)
  const heard = async (id: string) =>
    (await world.ask('GET', `/api/v1/audio-files/${id}/analysis-results`, { as: jane })).body.items[0]
  const red = { width: 300, height: 300, channels: 3 as const, background: '#c02020' }
  const picture = await sharp({ create: red }).png().toBuffer()
  const cover = frame('APIC', Buffer.concat([Buffer.from('\0image/png\0\x03\0', 'latin1'), picture]))
  const genre = frame('TCON', Buffer.from('\0Dub', 'latin1'))
  const [with_, without] = [
    await upload(world, jane, { file: tagged(makeTrack(12), [genre, cover]) }),
    await upload(world, jane, { file: makeTrack(12) }),
  ]
  await Promise.all([done(with_.id), done(without.id)])
  const images = world.database.collection('images')
  const [image, ...more] = await images.find({ linkedEntityType: 'AudioFile' }).toArray()
  expect(more).toEqual([])
  expect(image).toMatchObject({ linkedEntityId: with_.id, usageType: 'audio' })
  expect((await world.ask('GET', `/api/v1/images/${image!._id}`, { as: jane })).status).toBe(200)
  const said = await heard(with_.id)
  expect(said.genre).toBe('Dub')
  expect(said.metadata.tags).toMatchObject({ hasCover: true })
  const guess = await heard(without.id)
  expect(guess.genre).toEqual(expect.any(String))
  expect(guess.metadata.genre).toMatchObject({ from: 'features' })
  expect(guess.metadata.genre.confidence).toBeLessThanOrEqual(0.35)
  socket.received.length = 0
  await world.ask('POST', `/api/v1/audio-files/${with_.id}/analyze`, { as: jane })
  await done(with_.id)
  expect(await images.countDocuments({ linkedEntityType: 'AudioFile' })).toBe(1)
})
