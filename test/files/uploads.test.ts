import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, type Instance, type Person, type World } from '../support/world.ts'
import { bytesOf, postForm, sha256, wav } from './fixtures.ts'

const maxUploadBytes = 40 * 1024 * 1024
let world: World
let jane: Person
let joe: Person

beforeAll(async () => {
  world = await createWorld({ redis: true, config: { maxUploadBytes, maxStorageBytes: 120 * 1024 * 1024 } })
  ;[jane, joe] = (await world.users('Jane D', 'Joe')) as [Person, Person]
})
afterAll(() => world?.close())

const base64 = (text: string) => Buffer.from(text).toString('base64')
const metadata = (fields: Record<string, string>) =>
  Object.entries(fields)
    .map(([name, value]) => `${name} ${base64(value)}`)
    .join(',')

interface Tus {
  status: number
  headers: Headers
  text: string
}

async function tus(
  method: string,
  url: string,
  as: Person | null,
  headers: Record<string, string> = {},
  body?: Uint8Array | ReadableStream,
  signal?: AbortSignal,
): Promise<Tus> {
  const response = await fetch(url, {
    method,
    headers: { 'Tus-Resumable': '1.0.0', ...(as && { Authorization: `Bearer ${as.accessToken}` }), ...headers },
    ...(body && { body: body as never, duplex: 'half' }),
    signal: signal ?? AbortSignal.timeout(60_000),
  } as RequestInit)
  return { status: response.status, headers: response.headers, text: await response.text() }
}

async function begin(as: Person, length: number, fields: Record<string, string> = { title: 'Long take' }, at = 0) {
  const root = world.instances[at]!.url
  const answer = await tus('POST', `${root}/api/v1/uploads`, as, {
    'Upload-Length': String(length),
    'Upload-Metadata': metadata(fields),
  })
  if (answer.status !== 201) throw new Error(`the upload answered ${answer.status}: ${answer.text}`)
  return new URL(answer.headers.get('Location')!, root).href
}

const offsetOf = async (url: string, as: Person) => {
  const { status, headers } = await tus('HEAD', url, as)
  expect(status).toBe(200)
  return Number(headers.get('Upload-Offset'))
}

const patch = (url: string, as: Person, offset: number, bytes: Uint8Array | ReadableStream, signal?: AbortSignal) =>
  tus(
    'PATCH',
    url,
    as,
    { 'Upload-Offset': String(offset), 'Content-Type': 'application/offset+octet-stream' },
    bytes,
    signal,
  )

/** A body that breaks off after some bytes, once the server has taken them. */
function cutAfter(bytes: Uint8Array, stop: AbortController): ReadableStream {
  let at = 0
  return new ReadableStream({
    async pull(controller) {
      if (at >= bytes.length) {
        // The bytes are on their way; a moment later the line is dead.
        setTimeout(() => stop.abort(), 50)
        await new Promise(() => {})
      }
      controller.enqueue(bytes.subarray(at, at + 65_536))
      at += 65_536
    },
  })
}

describe('resumable uploads', () => {
  test('[FILE-14] tells what it can of the protocol', async () => {
    const { status, headers } = await tus('OPTIONS', `${world.instances[0]!.url}/api/v1/uploads`, null)
    expect(status).toBe(204)
    expect(headers.get('Tus-Version')).toBe('1.0.0')
    expect(headers.get('Tus-Extension')).toBe('creation,creation-with-upload,termination')
    expect(headers.get('Tus-Max-Size')).toBe(String(maxUploadBytes))
  })

  test('[FILE-15] makes a recording of an upload that was cut five times, byte for byte', async () => {
    const bytes = wav(30 * 1024 * 1024, 7)
    const url = await begin(jane, bytes.length, {
      title: 'Cut',
      filename: 'a.wav',
      tags: 'long, cut',
      visibility: 'private',
    })
    for (let cut = 1; cut <= 5; cut++) {
      const offset = await offsetOf(url, jane)
      const stop = new AbortController()
      const until = Math.floor((bytes.length * cut) / 6) + cut * 13
      await expect(
        patch(url, jane, offset, cutAfter(bytes.subarray(offset, until), stop), stop.signal),
      ).rejects.toThrow()
      await world.until(async () => (await offsetOf(url, jane)) > offset, 30_000, 'some bytes came')
      const state = await world.ask('GET', new URL(url).pathname, { as: jane })
      expect(state.body).toMatchObject({ length: bytes.length, title: 'Cut', audioFileId: null })
    }
    const offset = await offsetOf(url, jane)
    expect(offset).toBeGreaterThan(bytes.length / 2)
    const last = await patch(url, jane, offset, bytes.subarray(offset))
    expect(last.status).toBe(204)
    expect(last.headers.get('Upload-Offset')).toBe(String(bytes.length))
    const id = last.headers.get('X-Audio-File-Id')!
    const { body } = await world.ask('GET', `/api/v1/audio-files/${id}`, { as: jane })
    expect(body).toMatchObject({ title: 'Cut', visibility: 'private', tags: ['long', 'cut'], sizeBytes: bytes.length })
    const got = await bytesOf(body.fileUrl.replace(/^https?:\/\/[^/]+/, world.instances[0]!.url), {
      Authorization: `Bearer ${jane.accessToken}`,
    })
    expect(sha256(got.bytes)).toBe(sha256(bytes))

    // The answer to the last part may have been lost: the same again changes nothing.
    const again = await patch(url, jane, offset, bytes.subarray(offset))
    expect([again.status, again.headers.get('X-Audio-File-Id')]).toEqual([204, id])
    expect((await patch(url, jane, 0, bytes.subarray(0, 10))).status).toBe(409)
    const head = await tus('HEAD', url, jane)
    expect([head.headers.get('Upload-Offset'), head.headers.get('X-Audio-File-Id')]).toEqual([String(bytes.length), id])
    expect((await world.ask('GET', new URL(url).pathname, { as: jane })).body.audioFileId).toBe(id)
    expect((await tus('DELETE', url, jane)).status).toBe(409)
    const found = await world.database.collection('audiofiles').countDocuments({ title: 'Cut' })
    expect(found).toBe(1)
  })

  test('[FILE-16] shows an upload to its user alone', async () => {
    const url = await begin(jane, 5_000)
    for (const method of ['HEAD', 'DELETE']) expect((await tus(method, url, joe)).status).toBe(404)
    expect((await patch(url, joe, 0, wav(5_000))).status).toBe(404)
    expect((await world.ask('GET', new URL(url).pathname, { as: joe })).status).toBe(404)
    expect((await tus('HEAD', url, null)).status).toBe(401)
    expect(await offsetOf(url, jane)).toBe(0)
    expect((await tus('DELETE', url, jane)).status).toBe(204)
    expect((await tus('HEAD', url, jane)).status).toBe(404)
  })

  test('[FILE-17] refuses what is not the protocol, too large, or no recording, and leaves nothing', async () => {
    const root = `${world.instances[0]!.url}/api/v1/uploads`
    const good = { 'Upload-Length': '5000', 'Upload-Metadata': metadata({ title: 'x' }) }
    const cases: [Record<string, string>, number][] = [
      [{ 'Tus-Resumable': '0.2.2' }, 412],
      [{ 'Upload-Length': String(maxUploadBytes + 1) }, 413],
      [{ 'Upload-Length': '-1' }, 400],
      [{ 'Upload-Metadata': metadata({ title: 'x', visibility: 'secret' }) }, 422],
      [{ 'Upload-Metadata': metadata({ tags: 'x' }) }, 422],
    ]
    for (const [headers, status] of cases) {
      const answer = await tus('POST', root, jane, { ...good, ...headers })
      expect(answer.status, JSON.stringify(headers)).toBe(status)
      expect(JSON.parse(answer.text)).toMatchObject({ status })
    }
    expect((await tus('POST', root, null, good)).status).toBe(401)
    const url = await begin(jane, 5_000)
    expect((await patch(url, jane, 10, wav(100))).status).toBe(409)
    expect((await patch(url, jane, 0, randomBytes(6_000))).status).toBe(413)
    expect((await patch(url, jane, 0, Buffer.alloc(5_000, '<html>'))).status).toBe(415)
    expect((await tus('HEAD', url, jane)).status).toBe(404)
    expect(await world.database.collection('uploads').countDocuments({ finishedAt: null })).toBe(0)
  })

  test('[FILE-18] lets one write at a time, whichever instance, and the later take over from the dead line', async () => {
    const other = await world.addInstance({ storageUrl: `file://${world.dataDir(0)}/uploads` })
    const bytes = wav(2_000_000, 3)
    const url = await begin(jane, bytes.length)
    const elsewhere = `${other.url}${new URL(url).pathname}`
    // A line that hangs: it sent a part, and neither goes on nor ends.
    const stop = new AbortController()
    const hanging = patch(url, jane, 0, cutAfterNever(bytes.subarray(0, 500_000)), stop.signal).catch(() => null)
    await world.until(async () => (await size(url)) > 0, 30_000, 'the first part came')
    const offset = await offsetOf(elsewhere, jane)
    const done = await patch(elsewhere, jane, offset, bytes.subarray(offset))
    expect(done.status).toBe(204)
    stop.abort()
    await hanging
    const id = done.headers.get('X-Audio-File-Id')!
    const got = await bytesOf(`${other.url}/api/v1/audio-files/${id}/stream`)
    expect(sha256(got.bytes)).toBe(sha256(bytes))
  })

  test('[FILE-19] sweeps what expired, and finishes what only lacked its end', async () => {
    const url = await begin(jane, 5_000)
    const id = url.split('/').at(-1)!
    expect((await patch(url, jane, 0, wav(2_000))).status).toBe(204)
    await world.database.collection('uploads').updateOne({ _id: id as never }, { $set: { expiresAt: new Date(0) } })
    expect((await tus('HEAD', url, jane)).status).toBe(410)
    const late = await world.addInstance({ storageUrl: `file://${world.dataDir(0)}/uploads` })
    await world.until(async () => (await tus('HEAD', url, jane)).status === 404, 30_000, 'it is swept')
    expect(await readdir(join(world.dataDir(0), 'uploads/audio'))).not.toContain(id)
    await late.close()

    // As a crash leaves it between the last byte and the record.
    const bytes = wav(4_000)
    const second = await begin(jane, bytes.length, { title: 'Nearly' })
    const secondId = second.split('/').at(-1)!
    expect((await patch(second, jane, 0, bytes)).status).toBe(204)
    await world.database.collection('audiofiles').deleteOne({ _id: secondId as never })
    await world.database.collection('uploads').updateOne({ _id: secondId as never }, { $set: { finishedAt: null } })
    const head = await tus('HEAD', second, jane)
    expect(head.headers.get('X-Audio-File-Id')).toBe(secondId)
    expect((await world.ask('GET', `/api/v1/audio-files/${secondId}`)).body.title).toBe('Nearly')
  })
})

const size = async (url: string) => (await world.ask('GET', new URL(url).pathname, { as: jane })).body.offset as number

function cutAfterNever(bytes: Uint8Array): ReadableStream {
  return new ReadableStream({
    async pull(controller) {
      controller.enqueue(bytes)
      await new Promise(() => {})
    },
  })
}

describe('crashes', () => {
  test('[FILE-20] leaves neither file nor record of an upload that died with its process', async () => {
    const env = { MAX_UPLOAD_BYTES: String(maxUploadBytes), DATA_DIR: join(world.dataDir(0), 'crash') }
    const audio = join(env.DATA_DIR, 'uploads/audio')
    const first = await world.spawnInstance(env)
    const before = await world.database.collection('audiofiles').countDocuments()
    const files = async () => (await readdir(audio).catch(() => [])).length
    const dying = hang(first, wav(3_000_000)).catch(() => null)
    await world.until(async () => (await files()) === 1, 60_000, 'the file is being written')
    expect(await world.database.collection('storageclaims').countDocuments()).toBe(1)
    await first.close()
    await dying
    expect(await files()).toBe(1)
    const second = await world.spawnInstance(env)
    await world.until(async () => (await files()) === 0, 60_000, 'the file is swept')
    await world.until(
      async () => (await world.database.collection('storageclaims').countDocuments()) === 0,
      5_000,
      'the claim is gone',
    )
    expect(await world.database.collection('audiofiles').countDocuments()).toBe(before)
    expect((await postForm(world, joe, { file: wav(10_000), instance: second })).status).toBe(201)
    await second.close()
  })
})

test('[FILE-30] answers 507 where no room is left, and leaves nothing', async () => {
  const env = { MAX_UPLOAD_BYTES: String(maxUploadBytes), DATA_DIR: join(world.dataDir(0), 'full') }
  const full = await world.spawnInstance(env, { fileLimitKiB: 2_000 })
  const files = async () => (await readdir(join(env.DATA_DIR, 'uploads/audio')).catch(() => [])).length
  const answer = await postForm(world, joe, { file: wav(4_000_000), instance: full })
  expect(answer).toMatchObject({ status: 507, body: { status: 507, code: 'unavailable' } })
  expect(await files()).toBe(0)
  const at = world.instances.indexOf(full)
  const url = await begin(joe, 4_000_000, { title: 'Too long' }, at)
  const cut = await patch(url, joe, 0, wav(4_000_000))
  expect(cut.status).toBe(507)
  expect((await tus('HEAD', url, joe)).status).toBe(404)
  expect(await files()).toBe(0)
  const claims = () => world.database.collection('storageclaims').countDocuments()
  await world.until(async () => (await claims()) === 0, 30_000, 'no claim is left')
  expect(await world.database.collection('uploads').countDocuments({ finishedAt: null })).toBe(0)
  // What fits is taken.
  expect((await postForm(world, joe, { file: wav(1_000_000), instance: full })).status).toBe(201)
  await full.close()
})

/** Sends a form whose file never ends. */
function hang(instance: Instance, bytes: Buffer): Promise<unknown> {
  const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
  return fetch(`${instance.url}/api/v1/audio-files`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${joe.accessToken}`, 'Content-Type': 'multipart/form-data; boundary=b' },
    body: cutAfterNever(Buffer.concat([Buffer.from(head), bytes])),
    duplex: 'half',
  } as RequestInit)
}
