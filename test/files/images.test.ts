import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, type Person, type World } from '../support/world.ts'
import { bytesOf, type FormOptions, postForm, upload } from './fixtures.ts'

let world: World
let jane: Person
let joe: Person

beforeAll(async () => {
  world = await createWorld()
  ;[jane, joe] = (await world.users('Jane D', 'Joe')) as [Person, Person]
})
afterAll(() => world?.close())

const path = '/api/v1/images'
const send = (as: Person, file: Buffer, usageType: string, more: [string, string][] = [], options: FormOptions = {}) =>
  postForm(world, as, { path, file, fileName: 'x.bin', fields: [['usageType', usageType], ...more], ...options })

/** A picture with a red left and a blue right half. */
const picture = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: 'blue' } }).composite([
    { input: { create: { width: Math.ceil(width / 2), height, channels: 3, background: 'red' } }, left: 0, top: 0 },
  ])

const contentOf = (image: { id: string }, query = '', headers = {}) =>
  bytesOf(`${world.instances[0]!.url}${path}/${image.id}/content${query}`, headers)
const stored = async () => (await readdir(join(world.dataDir(0), 'uploads/images')).catch(() => [])).length

test('[FILE-21] makes each picture anew in the sizes of its use, upright and without metadata', async () => {
  const base = () => picture(1200, 800)
  const sources = {
    jpeg: await base()
      .withExif({ IFD0: { Artist: 'Secret place' } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer(),
    png: await base().png().toBuffer(),
    webp: await base().webp().toBuffer(),
    gif: await base().gif().toBuffer(),
    avif: await base().avif({ effort: 0 }).toBuffer(),
  }
  for (const [format, source] of Object.entries(sources)) {
    const { status, body } = await send(jane, source, 'other')
    expect(status, format).toBe(201)
    expect(body).toMatchObject({ uploaderId: jane.id, usageType: 'other', linkedEntityId: null, animated: false })
    expect(body.sizes.map((size: any) => size.name)).toEqual(['320', '1024', '2048'])
    const turned = format === 'jpeg'
    expect([body.sizes[0].width, body.sizes[0].height]).toEqual(turned ? [320, 480] : [320, 213])
    expect(body.sizes[2].width).toBe(turned ? 800 : 1200)
    const { headers, bytes } = await contentOf(body, '?size=300')
    expect(headers.get('Content-Type')).toBe('image/webp')
    expect(headers.get('Cache-Control')).toContain('immutable')
    const metadata = await sharp(bytes).metadata()
    expect(metadata).toMatchObject({ format: 'webp', width: 320 })
    expect(metadata.exif).toBeUndefined()
    expect(bytes.includes('Secret')).toBe(false)
    expect(bytes).toHaveLength(body.sizes[0].bytes)
    const etag = headers.get('ETag')!
    expect((await contentOf(body, '?size=300', { 'If-None-Match': etag })).status).toBe(304)
    expect((await contentOf(body)).headers.get('ETag')).not.toBe(etag)
    expect(await world.ask('GET', `${path}/${body.id}`, { as: joe })).toMatchObject({ status: 200, body })
  }
})

test('[FILE-22] keeps a moving picture moving', async () => {
  const frames = await Promise.all(
    ['red', 'green', 'blue'].map((background) =>
      sharp({ create: { width: 100, height: 60, channels: 3, background } })
        .png()
        .toBuffer(),
    ),
  )
  const gif = await sharp(frames, { join: { animated: true } })
    .gif({ delay: [100, 200, 300] })
    .toBuffer()
  const { status, body } = await send(jane, gif, 'avatar')
  expect(status).toBe(201)
  expect(body.animated).toBe(true)
  expect(body.sizes[0]).toMatchObject({ name: '64', width: 64, height: 64 })
  const metadata = await sharp((await contentOf(body, '?size=64')).bytes, { animated: true }).metadata()
  expect(metadata).toMatchObject({ pages: 3, delay: [100, 200, 300], pageHeight: 64 })
})

test('[FILE-23] refuses what is no picture of pixels, damaged, or too large, and leaves nothing', async () => {
  const before = await stored()
  const svg = Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>',
  )
  const png = await picture(600, 600).png().toBuffer()
  const bomb = await sharp({ create: { width: 12_000, height: 12_000, channels: 3, background: 'red' } })
    .png()
    .toBuffer()
  const cases: [Buffer, string, [string, string][], number][] = [
    [svg, 'other', [], 415],
    [Buffer.from('<!doctype html><p>x'), 'avatar', [], 415],
    [Buffer.concat([png.subarray(0, 200), Buffer.alloc(300)]), 'other', [], 415],
    [bomb, 'other', [], 413],
    [Buffer.concat([png, Buffer.alloc(21 * 1024 * 1024)]), 'other', [], 413],
    [png, 'poster', [], 422],
    [png, 'avatar', [['linkedEntityType', 'Project']], 422],
    [png, 'other', [['linkedEntityType', 'Project']], 422],
    [png, 'audio', [['linkedEntityId', '01ARZ3NDEKTSV4RRFFQ69G5FAV']], 404],
  ]
  for (const [file, usage, more, status] of cases) {
    const answer = await send(jane, file, usage, more)
    expect(answer, `${usage} ${more} ${file.length}`).toMatchObject({ status, body: { status } })
  }
  expect(await stored()).toBe(before)
  await world.until(
    async () => (await world.database.collection('storageclaims').countDocuments()) === 0,
    5_000,
    'no claim is left',
  )
})

test('[FILE-24] shows an avatar in the profile, links only one’s own, and takes it back when deleted', async () => {
  const png = await picture(900, 900).png().toBuffer()
  const avatar = (await send(jane, png, 'avatar')).body
  const banner = (await send(jane, png, 'banner')).body
  const profile = async () => (await world.ask('GET', '/api/v1/me/profile', { as: jane })).body
  const { id: profileId, avatarUrl, bannerUrl } = await profile()
  expect([avatarUrl, bannerUrl]).toEqual([avatar.url, banner.url])
  expect(avatar).toMatchObject({ linkedEntityType: 'Profile', linkedEntityId: profileId })
  expect([banner.sizes[1].width / banner.sizes[1].height]).toEqual([3])
  expect((await send(joe, png, 'avatar', [['linkedEntityId', profileId]])).status).toBe(404)

  const file = await upload(world, jane)
  const link: [string, string][] = [['linkedEntityId', file.id]]
  expect((await send(joe, png, 'audio', link)).status).toBe(404)
  const cover = (await send(jane, png, 'audio', link)).body
  expect(cover).toMatchObject({ linkedEntityType: 'AudioFile', linkedEntityId: file.id })
  const list = async (query: string, as = jane) => (await world.ask('GET', `${path}?${query}`, { as })).body.items
  expect((await list(`linkedEntityId=${file.id}`)).map((image: any) => image.id)).toEqual([cover.id])
  expect(await list('', joe)).toEqual([])
  await world.ask('DELETE', `/api/v1/audio-files/${file.id}`, { as: jane })
  expect((await world.ask('GET', `${path}/${cover.id}`, { as: jane })).body).toMatchObject({
    linkedEntityId: null,
    linkedEntityType: null,
  })

  expect((await world.ask('DELETE', `${path}/${avatar.id}`, { as: joe })).status).toBe(404)
  const before = await stored()
  expect((await world.ask('DELETE', `${path}/${avatar.id}`, { as: jane })).status).toBe(204)
  expect(await profile()).not.toHaveProperty('avatarUrl')
  expect((await profile()).bannerUrl).toBe(banner.url)
  expect((await contentOf(avatar)).status).toBe(404)
  await world.until(async () => (await stored()) <= before - 1, 60_000, 'its bytes are gone')
})
