import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/kernel/ids.ts'
import { createWorld, type Person, type World } from '../support/world.ts'
import { bytesOf, heads, postForm, sha256, upload, wav } from './fixtures.ts'

const maxUploadBytes = 400_000
let world: World
let jane: Person
let joe: Person
let folder: string

beforeAll(async () => {
  world = await createWorld({ config: { maxUploadBytes, maxStorageBytes: 3_000_000 } })
  ;[jane, joe] = (await world.users('Jane D', 'Joe')) as [Person, Person]
  folder = join(world.dataDir(0), 'uploads')
})
afterAll(() => world?.close())

const streamOf = (file: { id: string }) => `${world.instances[0]!.url}/api/v1/audio-files/${file.id}/stream`
const bearer = (person: Person) => ({ Authorization: `Bearer ${person.accessToken}` })
const stored = async () => (await readdir(join(folder, 'audio')).catch(() => [])).length
const claims = () => world.database.collection('storageclaims').countDocuments()

describe('uploading in one go', () => {
  test('[FILE-01] stores a recording whose fields come before or after the file, and tells of it', async () => {
    const file = wav(100_000)
    const fields: [string, string][] = [
      ['title', 'Cosmic Jam #3'],
      ['file', ''],
      ['description', 'Weird ambient synth'],
      ['visibility', 'unlisted'],
      ['tags', 'ambient, Synth'],
      ['tags', 'ambient'],
    ]
    const body = await upload(world, jane, { file, fields })
    expect(body).toMatchObject({
      userId: jane.id,
      title: 'Cosmic Jam #3',
      description: 'Weird ambient synth',
      visibility: 'unlisted',
      mimeType: 'audio/wav',
      sizeBytes: 100_000,
      tags: ['ambient', 'Synth'],
      updatedAt: null,
    })
    expect(body.fileUrl).toMatch(new RegExp(`/api/v1/audio-files/${body.id}/stream$`))
    expect(body).not.toHaveProperty('storageKey')
    const got = await world.ask('GET', `/api/v1/audio-files/${body.id}`)
    expect(got).toMatchObject({ status: 200, body })
    expect(sha256((await bytesOf(streamOf(body))).bytes)).toBe(sha256(file))
    expect(await claims()).toBe(0)
    await upload(world, jane, { file: wav(maxUploadBytes) })
  })

  test('[FILE-02] knows each format by its content, whatever the name and type say', async () => {
    for (const [type, head] of Object.entries(heads)) {
      const body = await upload(world, jane, { file: head, fileName: 'x.html', type: 'text/html' })
      expect(body.mimeType).toBe(type)
      const { headers } = await bytesOf(streamOf(body))
      expect(headers.get('Content-Type')).toBe(type)
      expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
      expect(headers.get('Content-Security-Policy')).toContain('sandbox')
    }
  })

  test('[FILE-03] refuses what is no recording, too large, or not a good form, and leaves nothing behind', async () => {
    const before = [await stored(), await world.database.collection('audiofiles').countDocuments()]
    const html = Buffer.from('<!doctype html><script>alert(1)</script>')
    const mp4 = Buffer.from('\0\0\0\x1cftypmp42\0\0\0\0mp42isom', 'latin1')
    const cases: [Parameters<typeof postForm>[2], number][] = [
      [{ file: html, fileName: 'song.mp3', type: 'audio/mpeg' }, 415],
      [{ file: mp4, fileName: 'song.m4a' }, 415],
      [{ file: Buffer.alloc(0) }, 415],
      [{ file: wav(maxUploadBytes + 1) }, 413],
      [{ file: wav(maxUploadBytes * 10) }, 413],
      [{ fields: [] }, 422],
      [{ fields: [['title', ' ']] }, 422],
      [
        {
          fields: [
            ['title', 'A'],
            ['title', 'B'],
          ],
        },
        422,
      ],
      [
        {
          fields: [
            ['title', 'A'],
            ['visibility', 'secret'],
          ],
        },
        422,
      ],
      [
        {
          fields: [
            ['title', 'A'],
            ['tags', Array.from({ length: 51 }, (_, at) => `t${at}`).join()],
          ],
        },
        422,
      ],
      [{ file: null }, 422],
    ]
    for (const [options, status] of cases) {
      const answer = await postForm(world, jane, options)
      expect(answer, JSON.stringify(options.fields)).toMatchObject({ status, body: { status } })
    }
    const raw = await world.ask('POST', '/api/v1/audio-files', { as: jane, body: { title: 'x' } })
    expect(raw.status).toBe(415)
    expect((await postForm(world, null, {})).status).toBe(401)
    expect([await stored(), await world.database.collection('audiofiles').countDocuments()]).toEqual(before)
    await world.until(async () => (await claims()) === 0, 30_000, 'no claim is left')
  })

  test('[FILE-04] keeps an account within its share, with what is on its way', async () => {
    const sam = await world.user('Sam')
    const many = await Promise.all(Array.from({ length: 12 }, () => postForm(world, sam, { file: wav(390_000) })))
    const made = many.filter((answer) => answer.status === 201).length
    expect(many.every((answer) => [201, 413].includes(answer.status))).toBe(true)
    // Where all of them claim their room before any looks, all are refused.
    expect(made).toBeLessThanOrEqual(7)
    // Whatever got lost to the others' claims has its room now.
    for (let more = made; more < 7; more++) await upload(world, sam, { file: wav(390_000) })
    expect(await postForm(world, sam, { file: wav(390_000) })).toMatchObject({
      status: 413,
      body: { code: 'too_large' },
    })
    await world.ask('DELETE', `/api/v1/audio-files/${(await mine(sam))[0].id}`, { as: sam })
    await upload(world, sam, { file: wav(390_000) })
  })
})

const mine = async (person: Person) =>
  (await world.ask('GET', `/api/v1/audio-files?userId=${person.id}`, { as: person })).body.items

describe('who sees it', () => {
  test('[FILE-05] shows public ones to all, unlisted ones by address, private ones and drafts to their owner', async () => {
    const [owner, other] = (await world.users('Owner', 'Other')) as [Person, Person]
    const files: Record<string, any> = {}
    for (const visibility of ['public', 'unlisted', 'private', 'draft']) {
      const fields: [string, string][] = [
        ['title', `Fugue ${visibility}`],
        ['visibility', visibility],
      ]
      files[visibility] = await upload(world, owner, { fields })
    }
    for (const [visibility, file] of Object.entries(files)) {
      const open = visibility === 'public' || visibility === 'unlisted'
      for (const as of [undefined, other]) {
        const path = `/api/v1/audio-files/${file.id}`
        expect((await world.ask('GET', path, as && { as })).status).toBe(open ? 200 : 404)
        const { status } = await bytesOf(streamOf(file), as && bearer(as))
        expect(status).toBe(open ? 200 : 404)
      }
      expect((await bytesOf(streamOf(file), bearer(owner))).status).toBe(200)
      expect(
        (await world.ask('PATCH', `/api/v1/audio-files/${file.id}`, { as: other, body: { title: 'x' } })).status,
      ).toBe(404)
      expect((await world.ask('DELETE', `/api/v1/audio-files/${file.id}`, { as: other })).status).toBe(404)
    }
    const titles = async (query: string, as?: Person) =>
      (await world.ask('GET', `/api/v1/audio-files?${query}`, as && { as })).body.items.map((item: any) => item.title)
    expect(await titles(`userId=${owner.id}`)).toEqual(['Fugue public'])
    expect(await titles(`userId=${owner.id}`, other)).toEqual(['Fugue public'])
    expect(await titles(`userId=${owner.id}`, owner)).toHaveLength(4)
    expect(await titles(`userId=${owner.id}&visibility=draft`, owner)).toEqual(['Fugue draft'])
    expect(await titles(`userId=${owner.id}&visibility=draft`, other)).toEqual([])
    expect(await titles('visibility=private', owner)).toEqual([])
    expect(await titles('q=fugue')).toEqual(['Fugue public'])
  })

  test('[FILE-06] opens a private one by a signed address for that file alone, while it lasts and the session lives', async () => {
    const owner = await world.user('Signer')
    const fields: [string, string][] = [
      ['title', 'Secret'],
      ['visibility', 'private'],
    ]
    const file = await upload(world, owner, { fields })
    const second = await upload(world, owner, { fields })
    const link = await world.ask('POST', `/api/v1/audio-files/${file.id}/link`, { as: owner })
    expect(link.status).toBe(201)
    expect((await world.ask('POST', `/api/v1/audio-files/${file.id}/link`, { as: joe })).status).toBe(404)
    const query = new URL(link.body.url).search
    expect(query).not.toContain(owner.accessToken)
    const open = async (id: string, search: string) => (await bytesOf(streamOf({ id }) + search)).status
    expect(await open(file.id, query)).toBe(200)
    expect(await open(second.id, query)).toBe(404)
    expect(await open(file.id, query.replace(/expires=\d/, 'expires=9'))).toBe(404)
    expect(await open(file.id, query.replace(/signature=../, 'signature=AA'))).toBe(404)
    await world.ask('POST', '/api/v1/auth/logout', { as: owner })
    expect(await open(file.id, query)).toBe(401)
  })
})

describe('streaming', () => {
  test('[FILE-07] gives ranges, one or several, and says what it can’t give', async () => {
    const bytes = wav(50_000)
    const file = await upload(world, jane, { file: bytes })
    const range = (Range: string, more = {}) => bytesOf(streamOf(file), { Range, ...more })
    for (const [asked, start, end] of [
      ['bytes=0-0', 0, 0],
      ['bytes=100-199', 100, 199],
      ['bytes=49990-', 49_990, 49_999],
      ['bytes=-10', 49_990, 49_999],
      ['bytes=49990-99999', 49_990, 49_999],
      ['bytes=-99999', 0, 49_999],
    ] as const) {
      const part = await range(asked)
      expect(part.status).toBe(206)
      expect(part.headers.get('Content-Range')).toBe(`bytes ${start}-${end}/50000`)
      expect(part.bytes.equals(bytes.subarray(start, end + 1)), asked).toBe(true)
    }
    for (const asked of ['bytes=50000-', 'bytes=-0', 'bytes=60000-70000,80000-']) {
      const none = await range(asked)
      expect(none.status, asked).toBe(416)
      expect(none.headers.get('Content-Range')).toBe('bytes */50000')
      expect(none.bytes).toHaveLength(0)
    }
    for (const asked of ['bytes=abc', 'items=0-1', 'bytes=9-1', 'bytes=', `bytes=${Array(20).fill('0-0').join()}`]) {
      expect((await range(asked)).status, asked).toBe(200)
    }
    const several = await range('bytes=0-9, 20000-20004,-3')
    expect(several.status).toBe(206)
    const boundary = /^multipart\/byteranges; boundary=(\w+)$/.exec(several.headers.get('Content-Type')!)![1]!
    expect(several.bytes).toHaveLength(Number(several.headers.get('Content-Length')))
    const parts = several.bytes.toString('latin1').split(`--${boundary}`)
    expect(parts.at(-1)).toBe('--\r\n')
    const bodies = parts.slice(1, -1).map((part) => part.slice(part.indexOf('\r\n\r\n') + 4, -2))
    const expected = [bytes.subarray(0, 10), bytes.subarray(20_000, 20_005), bytes.subarray(49_997)]
    expect(bodies).toEqual(expected.map((part) => part.toString('latin1')))
    expect(parts[2]).toContain('Content-Range: bytes 20000-20004/50000')
  })

  test('[FILE-08] answers HEAD, and spares clients what they have', async () => {
    const bytes = wav(50_000)
    const file = await upload(world, jane, { file: bytes })
    const url = streamOf(file)
    const head = await fetch(url, { method: 'HEAD' })
    expect(head.status).toBe(200)
    expect(head.headers.get('Content-Length')).toBe('50000')
    expect(head.headers.get('Accept-Ranges')).toBe('bytes')
    const etag = head.headers.get('ETag')!
    const modified = head.headers.get('Last-Modified')!
    expect(etag).toMatch(/^"[^"]+"$/)
    for (const headers of [
      { 'If-None-Match': etag },
      { 'If-None-Match': `"x", W/${etag}` },
      { 'If-None-Match': '*' },
      { 'If-Modified-Since': modified },
    ]) {
      const same = await bytesOf(url, headers as never)
      expect([same.status, same.bytes.length]).toEqual([304, 0])
    }
    expect((await bytesOf(url, { 'If-None-Match': '"x"', 'If-Modified-Since': modified })).status).toBe(200)
    const Range = 'bytes=0-9'
    expect((await bytesOf(url, { Range, 'If-Range': etag })).status).toBe(206)
    expect((await bytesOf(url, { Range, 'If-Range': modified })).status).toBe(206)
    expect((await bytesOf(url, { Range, 'If-Range': '"x"' })).status).toBe(200)
  })

  test('[FILE-09] downloads under a name that no system misreads', async () => {
    const file = await upload(world, jane, { fields: [['title', '../é"Jam; 50%\u202e']] })
    const { headers } = await bytesOf(`${streamOf(file)}?download=1`)
    const disposition = headers.get('Content-Disposition')!
    expect(disposition).toMatch(/^attachment; filename="[\w .-]+"; filename\*=UTF-8''[\w%!#$&+.^`|~-]+$/)
    const name = decodeURIComponent(/''(.+)$/.exec(disposition)![1]!)
    expect(name).toBe('__é_Jam; 50%_.wav')
  })

  test('[FILE-10] lets go of a file when its listener goes', async () => {
    const file = await upload(world, jane, { file: wav(390_000) })
    const opened = async () => (await readdir('/proc/self/fd').catch(() => [])).length
    const before = await opened()
    for (let at = 0; at < 20; at++) {
      const stop = new AbortController()
      const response = await fetch(streamOf(file), { signal: stop.signal })
      await response.body!.getReader().read()
      stop.abort()
    }
    await world.until(async () => (await opened()) <= before + 5, 30_000, 'the files are closed')
  })
})

describe('changing and deleting', () => {
  test('[FILE-11] changes what is given, takes away what is null, and sets the tags', async () => {
    const fields: [string, string][] = [
      ['title', 'Old'],
      ['description', 'Long'],
      ['tags', 'a,b'],
    ]
    const file = await upload(world, jane, { fields })
    const path = `/api/v1/audio-files/${file.id}`
    const changed = await world.ask('PATCH', path, {
      as: jane,
      body: { title: 'New', description: null, tags: ['B', 'c'] },
    })
    expect(changed).toMatchObject({ status: 200, body: { title: 'New', tags: ['b', 'c'], visibility: 'public' } })
    expect(changed.body).not.toHaveProperty('description')
    expect(changed.body.updatedAt).toBeTypeOf('string')
    const tag = await world.database.collection('tags').findOne({ nameKey: 'c' })
    const found = await world.ask('GET', `/api/v1/audio-files?tag=${tag!._id}`)
    expect(found.body.items.map((item: any) => item.id)).toEqual([file.id])
    const none = await world.ask('GET', `/api/v1/audio-files?tag=${tag!._id}&q=nothing`)
    expect(none.body.items).toEqual([])
  })

  test('[FILE-12] pages through many without loss or repeat', async () => {
    const many = await world.user('Many')
    const made: string[] = []
    for (let at = 0; at < 7; at++) {
      const fields: [string, string][] = [
        ['title', `Piece ${at}`],
        ['tags', 'paged'],
      ]
      made.push((await upload(world, many, { file: wav(3_000), fields })).id)
    }
    const files = world.database.collection('audiofiles')
    const tag = await world.database.collection('tags').findOne({ nameKey: 'paged' })
    // Others with the same words, more than one would look through.
    const { _id, ...fields } = (await files.findOne({ _id: made[0] } as never))!
    const others = Array.from({ length: 1_200 }, () => ({ ...fields, _id: newId(), userId: jane.id }))
    await files.insertMany(others as never)
    for (const filter of [`userId=${many.id}`, `tag=${tag!._id}`, `tag=${tag!._id}&q=piece`]) {
      const seen: string[] = []
      let cursor: string | null = ''
      do {
        const query = `${filter}&limit=3${cursor && `&cursor=${cursor}`}`
        const { body }: any = await world.ask('GET', `/api/v1/audio-files?${query}`)
        seen.push(...body.items.map((item: any) => item.id))
        cursor = body.nextCursor
      } while (cursor)
      expect(seen).toEqual([...made].reverse())
    }
    await files.deleteMany({ _id: { $in: others.map((other) => other._id) } } as never)
  })

  test('[FILE-13] deletes a recording with its bytes and all that points to it', async () => {
    const file = await upload(world, jane, {
      fields: [
        ['title', 'Gone'],
        ['tags', 'gone'],
      ],
    })
    const db = world.database
    const id = file.id
    const at = new Date()
    const row = (_id: string, fields: object) => ({ _id, createdAt: at, ...fields }) as never
    await db.collection('likes').insertOne(row('l1', { userId: joe.id, targetType: 'AudioFile', targetId: id }))
    await db
      .collection('comments')
      .insertOne(row('c1', { authorId: joe.id, targetType: 'AudioFile', targetId: id, content: 'x' }))
    await db.collection('likes').insertOne(row('l2', { userId: jane.id, targetType: 'Comment', targetId: 'c1' }))
    await db.collection('likes').insertOne(row('l3', { userId: jane.id, targetType: 'Playlist', targetId: id }))
    await db.collection('playlistaudiofiles').insertOne(row('p1', { playlistId: 'p', audioFileId: id }))
    await db.collection('audiofilereports').insertOne(row('r1', { audioFileId: id }))
    await db.collection('audiofilemetricvalues').insertOne(row('v1', { reportId: 'r1', metricTypeId: 'm' }))
    await db.collection('profiles').updateOne({ userId: joe.id }, { $set: { featuredAudioId: id } })
    expect((await world.ask('DELETE', `/api/v1/audio-files/${id}`, { as: jane })).status).toBe(204)
    expect((await world.ask('GET', `/api/v1/audio-files/${id}`, { as: jane })).status).toBe(404)
    for (const name of [
      'comments',
      'playlistaudiofiles',
      'audiofilereports',
      'audiofilemetricvalues',
      'audiofiletags',
    ]) {
      const left = await db
        .collection(name)
        .countDocuments({ $or: [{ audioFileId: id }, { targetId: id }, { _id: 'v1' as never }] })
      expect(left, name).toBe(0)
    }
    expect(
      (
        await db
          .collection('likes')
          .find({ _id: /^l/ as never })
          .toArray()
      ).map((like) => `${like._id}`),
    ).toEqual(['l3'])
    expect(await db.collection('profiles').findOne({ userId: joe.id })).not.toHaveProperty('featuredAudioId')
    expect(await readdir(join(folder, 'audio'))).not.toContain(id)
    expect(await claims()).toBe(0)
    expect((await world.ask('DELETE', `/api/v1/audio-files/${id}`, { as: jane })).status).toBe(404)
  })
})
