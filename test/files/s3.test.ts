import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createS3Storage } from '../../src/infra/storage/s3.ts'
import { startTestS3, type TestS3 } from '../support/moto.ts'
import { createWorld, type Person, type World } from '../support/world.ts'
import { bytesOf, postForm, sha256, upload, wav } from './fixtures.ts'

let s3: TestS3
let world: World
let jane: Person

beforeAll(async () => {
  s3 = await startTestS3()
  world = await createWorld({ config: { storageUrl: s3.url } })
  jane = await world.user('Jane D')
}, 300_000)
afterAll(async () => {
  await world?.close()
  await s3?.close()
})

async function keys(): Promise<string[]> {
  const storage = await createS3Storage(s3.url)
  const found: string[] = []
  for await (const { key } of storage.list('audio/')) found.push(key)
  storage.close()
  return found
}
const streamOf = (id: string) => `${world.instances[0]!.url}/api/v1/audio-files/${id}/stream`

test('[FILE-31] keeps, gives in ranges, lists and removes objects in an S3-compatible store', async () => {
  // A store of its own: moto dates every upload to 2010, so that a server's sweep takes those under way for left behind.
  const own = await startTestS3()
  const storage = await createS3Storage(own.url)
  const bytes = wav(20_000_000, 5)
  expect(await storage.put('test/a', Readable.from(slices(bytes)))).toBe(bytes.length)
  expect(await storage.head('test/a')).toMatchObject({ bytes: bytes.length })
  expect(await storage.head('test/b')).toBeNull()
  const part = await storage.get('test/a', { start: 9_999_990, end: 10_000_010 })
  expect(Buffer.concat(await part.toArray()).equals(bytes.subarray(9_999_990, 10_000_011))).toBe(true)
  await expect(storage.get('test/b')).rejects.toMatchObject({ code: 'not_found' })
  async function* broken() {
    yield bytes
    throw new Error('cut off')
  }
  await expect(storage.put('test/c', broken())).rejects.toThrow('cut off')
  const listed: string[] = []
  for await (const { key } of storage.list('test/')) listed.push(key)
  expect(listed).toEqual(['test/a'])
  await storage.remove('test/a')
  await storage.remove('test/a')
  expect(await storage.head('test/a')).toBeNull()
  storage.close()
  await own.close()
})

test('[FILE-32] takes uploads of both kinds to S3 and leaves nothing of what is refused or deleted', async () => {
  const bytes = wav(300_000, 6)
  const file = await upload(world, jane, { file: bytes })
  expect(sha256((await bytesOf(streamOf(file.id))).bytes)).toBe(sha256(bytes))
  expect((await bytesOf(streamOf(file.id), { Range: 'bytes=5-9' })).bytes.equals(bytes.subarray(5, 10))).toBe(true)
  expect((await postForm(world, jane, { file: bytes, fields: [] })).status).toBe(422)

  const long = wav(12_000_000, 8)
  const root = `${world.instances[0]!.url}/api/v1/uploads`
  const ask = (method: string, url: string, headers: Record<string, string>, body?: Uint8Array) =>
    fetch(url, {
      method,
      headers: { 'Tus-Resumable': '1.0.0', Authorization: `Bearer ${jane.accessToken}`, ...headers },
      ...(body && { body: body as never }),
    })
  const begun = await ask('POST', root, {
    'Upload-Length': String(long.length),
    'Upload-Metadata': `title ${Buffer.from('Long').toString('base64')}`,
  })
  expect(begun.status).toBe(201)
  const url = new URL(begun.headers.get('Location')!, root).href
  let offset = 0
  let last: Response | undefined
  for (const end of [7_000_000, 7_500_000, long.length]) {
    last = await ask(
      'PATCH',
      url,
      { 'Upload-Offset': String(offset), 'Content-Type': 'application/offset+octet-stream' },
      long.subarray(offset, end),
    )
    expect(last.status, await last.text()).toBe(204)
    const head = await ask('HEAD', url, {})
    offset = Number(head.headers.get('Upload-Offset'))
    expect(offset).toBe(end)
  }
  const id = last!.headers.get('X-Audio-File-Id')!
  expect(sha256((await bytesOf(streamOf(id))).bytes)).toBe(sha256(long))

  for (const each of [file.id, id]) {
    expect((await world.ask('DELETE', `/api/v1/audio-files/${each}`, { as: jane })).status).toBe(204)
  }
  expect(await keys()).toEqual([])
})

function* slices(bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}
