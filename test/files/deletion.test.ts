import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { entities } from '../../models/index.ts'
import { referencesOf } from '../../src/kernel/references.ts'
import { makeAdmin } from '../support/staff.ts'
import { createWorld, type Person, type World } from '../support/world.ts'
import { roomOf, say, tell } from '../support/worlds.ts'
import { bytesOf, sha256, upload, wav } from './fixtures.ts'

let world: World

beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world?.close())

const references = referencesOf(entities)

test('[FILE-25] declares what becomes of every reference, and of what it can find by an index', () => {
  expect(references.length).toBeGreaterThan(50)
  const undeclared = references.filter(({ onDelete }) => onDelete === undefined)
  expect(undeclared.map(({ from, field }) => `${from.name}.${field}`)).toEqual([])
  const names = new Set(entities.map((entity) => entity.name))
  for (const { from, field, to, by, onDelete } of references) {
    if (to !== null) expect(names, `${from.name}.${field}`).toContain(to)
    else expect(from.spec.fields, `${from.name}.${field}`).toHaveProperty(by!)
    if (onDelete === 'keep' || field === '_id') continue
    const begins = from.spec.indexes.map(({ keys }) =>
      Object.keys(keys as object)
        .slice(0, by ? 2 : 1)
        .sort()
        .join(),
    )
    expect(begins, `an index of ${from.name} by ${field}`).toContain([...(by ? [by] : []), field].sort().join())
  }
})

/** Everything stored that names the id. */
async function traces(id: string): Promise<string[]> {
  const found: string[] = []
  for (const { name } of await world.database.listCollections()) {
    const rows = await world.database.collection(name).find().toArray()
    for (const row of rows) if (JSON.stringify(row).includes(id)) found.push(name)
  }
  return found
}

test('[FILE-26] closes an account: what was said stays without a name, all else is gone', async () => {
  const [jane, joe] = (await world.users('Jane D', 'Joe')) as [Person, Person]
  const robot = await world.bot(jane, ['rooms:read'])
  const [a, b] = [await world.connect(jane), await world.connect(joe)]
  const room = await roomOf([a, b])
  await say(a, room, 'Hello from Jane')
  await tell(a, joe, 'Just for you')
  for (let news = 0; news < 2; news++) await b.next('notification')
  const file = await upload(world, jane, { file: wav(20_000) })
  const db = world.database
  const at = new Date()
  await db
    .collection('userfollows')
    .insertOne({ _id: 'f1', followerId: joe.id, followeeId: jane.id, createdAt: at } as never)
  await db
    .collection('comments')
    .insertOne({ _id: 'c1', authorId: jane.id, targetType: 'AudioFile', targetId: 'x' } as never)
  await db.collection('likes').insertOne({ _id: 'l1', userId: joe.id, targetType: 'Comment', targetId: 'c1' } as never)
  const projectIds = { _id: 'p1', ownerId: jane.id, title: 'P', createdAt: at } as never
  await db.collection('projects').insertOne(projectIds)
  await db.collection('userprojects').insertOne({ _id: 'u1', userId: joe.id, projectId: 'p1', role: 'editor' } as never)

  const wrong = await world.ask('DELETE', '/api/v1/me', { as: jane, body: { password: 'not it' } })
  expect(wrong).toMatchObject({ status: 422, body: { code: 'invalid' } })
  expect((await world.ask('DELETE', '/api/v1/me', { as: robot, body: { password: jane.password } })).status).toBe(403)
  expect((await world.ask('DELETE', '/api/v1/me', { as: jane, body: { password: jane.password } })).status).toBe(204)

  // At once nobody can be her.
  await world.until(
    async () => (await world.ask('GET', '/api/v1/me', { as: jane })).status === 401,
    2_000,
    'she is out',
  )
  await world.until(
    async () => (await world.ask('GET', '/api/v1/me', { as: robot })).status === 401,
    2_000,
    'its bot too',
  )
  const { email, password } = jane
  expect((await world.ask('POST', '/api/v1/auth/login', { body: { email, password } })).status).toBe(401)
  await b.next('room:member', (change) => change.userId === jane.id && change.change === 'left')

  await world.until(
    async () => (await db.collection('jobs').countDocuments({ kind: 'account-closing' })) === 0,
    15_000,
    'the job has ended',
  )
  // What was put off for her, such as her matches, finds nobody and goes.
  await world.until(async () => ![...(await traces(jane.id))].includes('jobs'), 60_000, 'no job names her')
  const left = new Set(await traces(jane.id))
  // The row and profile without a name, what she said and where, sessions to expire, the audit log, Joe's news of her.
  for (const name of ['users', 'profiles', 'log', 'memberships', 'sessions', 'auditlogs', 'marks']) left.delete(name)
  expect([...left].filter((name) => name !== 'chatrooms' && name !== 'presences')).toEqual([])
  // What takes longer than a moment is left to a job of its own.
  await expect.poll(() => traces(file.id), { timeout: 90_000 }).toEqual([])
  expect(await readdir(join(world.dataDir(0), 'uploads/audio'))).not.toContain(file.id)
  for (const [name, id] of [
    ['likes', 'l1'],
    ['projects', 'p1'],
    ['userprojects', 'u1'],
    ['userfollows', 'f1'],
  ] as const) {
    expect(await db.collection(name).findOne({ _id: id as never }), name).toBeNull()
  }
  const row = await db.collection('users').findOne({ _id: jane.id as never })
  expect(row).toMatchObject({ emailKey: `${jane.id.toLowerCase()}@deleted.invalid`, role: 'user' })
  expect(row).not.toHaveProperty('passwordHash')
  const profile = await world.ask('GET', `/api/v1/users/${jane.id}/profile`, { as: joe })
  expect(profile.body).toMatchObject({ displayName: 'Deleted user' })
  const history = await b.emit('room:history', { roomId: room.id })
  expect(history.messages.map((message: any) => message.content)).toContain('Hello from Jane')
  const said = await b.emit('dm:history', { userId: jane.id })
  expect(said.messages.map((message: any) => message.content)).toEqual(['Just for you'])
  // The address can be used again.
  const again = await world.ask('POST', '/api/v1/auth/register', { body: { email, password, displayName: 'Jane' } })
  expect(again.status).toBe(201)
})

test('[FILE-27] lets an admin close an account, but never the last admin’s, also when two go at the same time', async () => {
  const [admin, joe] = (await world.users('Admin', 'Joe')) as [Person, Person]
  await world.database.collection('users').updateOne({ _id: admin.id as never }, { $set: { role: 'admin' } })
  const { body } = await world.ask('POST', '/api/v1/auth/login', {
    body: { email: admin.email, password: admin.password },
  })
  const as = { accessToken: body.accessToken }
  expect((await world.ask('DELETE', `/api/v1/users/${admin.id}`, { as: joe })).status).toBe(403)
  const refused = await world.ask('DELETE', `/api/v1/users/${admin.id}`, { as })
  expect(refused).toMatchObject({ status: 409, body: { detail: 'This is the only admin: make another one first' } })
  const own = { as, body: { password: admin.password } }
  expect((await world.ask('DELETE', '/api/v1/me', own)).status).toBe(409)
  expect((await world.ask('GET', '/api/v1/me', { as })).status).toBe(200)
  expect((await world.ask('DELETE', `/api/v1/users/${joe.id}`, { as })).status).toBe(204)
  expect((await world.ask('DELETE', `/api/v1/users/${joe.id}`, { as })).status).toBe(404)
  await world.until(async () => (await world.ask('GET', '/api/v1/me', { as: joe })).status === 401, 30_000, 'he is out')
  // Two at once: one stays, and one alone is no more.
  const second = await makeAdmin(world)
  const closed = await Promise.all([
    world.ask('DELETE', '/api/v1/me', own),
    world.ask('DELETE', '/api/v1/me', { as: second, body: { password: second.password } }),
  ])
  expect(closed.map(({ status }) => status).sort()).toEqual([204, 409])
  expect(await world.database.collection('users').countDocuments({ role: 'admin', bannedAt: null })).toBe(1)
})

test('[FILE-28] ends a deletion that a crash cut off', async () => {
  const jane = await world.user('Jane D')
  const file = await upload(world, jane)
  const db = world.database
  const rows = Array.from({ length: 500 }, (_, at) => ({ _id: `k${at}`, audioFileId: file.id, playlistId: `p${at}` }))
  await db.collection('playlistaudiofiles').insertMany(rows as never)
  // As it is when the process dies once the record is gone.
  await db.collection('audiofiles').deleteOne({ _id: file.id })
  await db.collection('jobs').insertOne({
    _id: 'j1' as never,
    kind: 'deletion',
    key: `AudioFile ${file.id}`,
    payload: { entity: 'AudioFile', id: file.id },
    runAt: new Date(),
    leasedBy: null,
    attempts: 0,
    lastError: null,
    failedAt: null,
  })
  await world.until(async () => (await traces(file.id)).length === 0, 60_000, 'nothing names it')
})

test('[FILE-29] exports all that is one’s own, files and all, and nothing of others', async () => {
  const [jane, joe] = (await world.users('Jane D', 'Joe')) as [Person, Person]
  const [a, b] = [await world.connect(jane), await world.connect(joe)]
  const room = await roomOf([a, b])
  await say(a, room, 'Mine')
  await say(b, room, 'Not mine')
  await tell(b, jane, 'For Jane')
  const bytes = wav(70_000, 9)
  const file = await upload(world, jane, {
    file: bytes,
    fileName: 'Ä/../take.wav',
    fields: [
      ['title', 'T'],
      ['visibility', 'private'],
    ],
  })
  await upload(world, joe)
  await world.ask('PUT', `/api/v1/blocks/${jane.id}`, { as: joe })
  const {
    status,
    headers,
    bytes: zip,
  } = await bytesOf(`${world.instances[0]!.url}/api/v1/me/export`, {
    Authorization: `Bearer ${jane.accessToken}`,
  })
  expect(status).toBe(200)
  expect(headers.get('Content-Type')).toBe('application/zip')
  const folder = await mkdtemp(join(tmpdir(), 'phantom-export-'))
  try {
    await writeFile(join(folder, 'x.zip'), zip)
    await promisify(execFile)('python3', ['-m', 'zipfile', '-e', join(folder, 'x.zip'), folder])
    const json = async (name: string) => JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8'))
    expect(await json('User')).toMatchObject([{ id: jane.id, email: jane.email }])
    expect(await json('Profile')).toMatchObject([{ displayName: 'Jane D' }])
    expect((await json('AudioFile')).map((each: any) => each.id)).toEqual([file.id])
    expect((await json('ChatMessage')).map((each: any) => each.content)).toEqual(['Mine'])
    expect((await json('Message')).map((each: any) => each.content)).toEqual(['For Jane'])
    expect((await json('Session')).length).toBeGreaterThan(0)
    expect(await json('Block')).toEqual([])
    const files = await readdir(join(folder, 'files/audio'))
    expect(files).toHaveLength(1)
    expect(sha256(await readFile(join(folder, 'files/audio', files[0]!)))).toBe(sha256(bytes))
    const text = zip.toString('latin1')
    for (const secret of ['passwordHash', 'refreshHash', 'tokenHash']) expect(text).not.toContain(secret)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
