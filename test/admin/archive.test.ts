import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import mongoose from 'mongoose'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { entities } from '../../models/index.ts'
import { archivedCollections } from '../../scripts/admin/archive/collections.ts'
import { readArchive } from '../../scripts/admin/archive/read.ts'
import { decodeValue, encodeValue } from '../../scripts/admin/archive/values.ts'
import { newId } from '../../src/kernel/ids.ts'
import { wav } from '../files/fixtures.ts'
import { startTestMongod, type TestMongod } from '../support/mongod.ts'
import { type Instance, post, runScript, startInstance } from '../support/processes.ts'
import { programArguments } from '../support/programs.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

const person = { email: 'jane@example.com', password: 'correct horse', displayName: 'Jane D' }
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

let source: TestMongod
let target: TestMongod
let folder = ''
const envs: Record<'source' | 'target', Record<string, string>> = { source: {}, target: {} }
const instances: Instance[] = []

const admin = (where: 'source' | 'target', ...args: string[]) => runScript('admin.ts', args, envs[where])
const file = (name: string) => join(folder, name)

async function start(where: 'source' | 'target'): Promise<Instance> {
  const instance = await startInstance(envs[where])
  instances.push(instance)
  return instance
}

/** Asks as somebody; throws for any status but a success. */
async function ask(instance: Instance, token: string, method: string, path: string, body?: unknown): Promise<any> {
  const form = body instanceof FormData
  const response = await fetch(`${instance.url}/api/v1${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      ...(body !== undefined && !form && { 'Content-Type': 'application/json' }),
    },
    body: form ? body : body === undefined ? null : JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`)
  if (response.status === 204) return undefined
  const isJson = response.headers.get('Content-Type')?.includes('json')
  return isJson ? response.json() : new Uint8Array(await response.arrayBuffer())
}

/** All documents of a database as they are stored, by collection. */
async function stored({ uri }: TestMongod): Promise<Record<string, string[]>> {
  const connection = await mongoose.createConnection(uri).asPromise()
  try {
    const found: Record<string, string[]> = {}
    for (const { name, rule } of archivedCollections()) {
      const rows = await connection
        .collection(name)
        .find(rule.only ?? {})
        .sort({ _id: 1 })
        .toArray()
      found[name] = rows.map((row) => JSON.stringify(encodeValue({ ...row, ...(blanked(rule.instead) as object) })))
    }
    return found
  } finally {
    await connection.close()
  }
}
/** The same of the export. */
async function exported(): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {}
  const rules = new Map(archivedCollections().map(({ name, rule }) => [name, rule]))
  for (const name of rules.keys()) found[name] = []
  for (const line of (await readFile(file('all.jsonl'), 'utf8')).trimEnd().split('\n')) {
    const { collection, document } = JSON.parse(line)
    if (!collection) continue
    const row = decodeValue(document) as object
    found[collection]!.push(JSON.stringify(encodeValue({ ...row, ...blanked(rules.get(collection)!.instead) })))
  }
  return found
}

const blanked = (instead: object = {}): Record<string, string> =>
  Object.fromEntries(Object.keys(instead).map((field) => [field, '…']))

interface Life {
  token: string
  userId: string
  roomId: string
  peerId: string
  projectId: string
  audioId: string
  imageId: string
  sound: Uint8Array
  picture: Uint8Array
}
let life: Life

/** A user who does a little of everything. */
async function live(instance: Instance): Promise<Life> {
  const { user, accessToken: token } = await post<any>(`${instance.url}/api/v1/auth/register`, person)
  const peer = await post<any>(`${instance.url}/api/v1/auth/register`, { ...person, email: 'sam@example.com' })
  const by = (method: string, path: string, body?: unknown) => ask(instance, token, method, path, body)
  const room = await by('POST', '/chat-rooms', { name: 'Rehearsal', memberIds: [peer.user.id] })
  for (const content of ['one', 'two', 'three']) await by('POST', `/chat-rooms/${room.id}/messages`, { content })
  await by('POST', '/messages', { userId: peer.user.id, content: 'Just us' })
  const project = await by('POST', '/projects', { title: 'Album' })
  const operations = [{ op: 'card.add', cardId: 'bass', columnId: 'todo', title: 'Record the bass' }]
  await by('POST', `/projects/${project.id}/board/operations`, { operations })
  await by('POST', `/projects/${project.id}/board/versions`, { name: 'Before the mix' })
  const sound = wav(900_000)
  const take = new FormData()
  take.set('title', 'Take')
  take.set('file', new Blob([sound as never], { type: 'audio/wav' }), 'take.wav')
  const audio = await by('POST', '/audio-files', take)
  const portrait = await sharp({ create: { width: 80, height: 80, channels: 3, background: '#846' } })
    .png()
    .toBuffer()
  const avatar = new FormData()
  avatar.set('usageType', 'avatar')
  avatar.set('file', new Blob([portrait as never], { type: 'image/png' }), 'me.png')
  const image = await by('POST', '/images', avatar)
  await by('POST', '/bots', { name: 'Echo', scopes: ['rooms:read'] })
  const picture = await by('GET', `/images/${image.id}/content`)
  return {
    token,
    userId: user.id,
    roomId: room.id,
    peerId: peer.user.id,
    projectId: project.id,
    audioId: audio.id,
    imageId: image.id,
    sound,
    picture,
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phantom-power-archive-'))
  source = await startTestMongod('archive_source')
  target = await startTestMongod('archive_target')
  envs.source = { MONGODB_URI: source.uri, DATA_DIR: file('source') }
  envs.target = { MONGODB_URI: target.uri, DATA_DIR: file('target') }
  const instance = await start('source')
  life = await live(instance)
})

afterAll(async () => {
  for (const instance of instances) await instance.close()
  await source?.close()
  await target?.close()
  await rm(folder, { recursive: true, force: true })
})

describe('npm run admin -- export and import', () => {
  it('[ARC-01] exports a running instance to a file of its owner’s alone, and imports nothing beside running ones', async () => {
    const done = await admin('source', 'export', file('all.jsonl'))
    expect(done.stderr + done.stdout).toMatch(/Exported \d+ documents and [2-9] files\./)
    expect(done.code).toBe(0)
    expect((await stat(file('all.jsonl'))).mode & 0o777).toBe(0o600)
    await expect(stat(file('all.jsonl.partial'))).rejects.toMatchObject({ code: 'ENOENT' })
    const beside = await admin('source', 'import', file('all.jsonl'))
    expect(beside.code).toBe(1)
    expect(beside.stderr).toContain('Instances run on this database')
    await instances.pop()!.close()
  })

  it('[ARC-02] carries no log-in and no token, but what people log in with', async () => {
    const text = await readFile(file('all.jsonl'), 'utf8')
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const named = new Set(lines.flatMap(({ collection }) => collection ?? []))
    for (const name of ['sessions', 'authtokens', 'pushsubscriptions', 'instances', 'storagemarks', 'storageclaims']) {
      expect(named.has(name), name).toBe(false)
    }
    for (const name of ['users', 'log', 'boardupdates', 'boardversionparts', 'memberships', 'auditlogs', 'roles']) {
      expect(named.has(name), name).toBe(true)
    }
    const connection = await mongoose.createConnection(source.uri).asPromise()
    const bots = await connection.collection('bots').find().toArray()
    const sessions = await connection.collection('sessions').find().toArray()
    await connection.close()
    expect(bots).toHaveLength(1)
    for (const secret of [...bots.map((bot) => bot['tokenHash']), ...sessions.map((row) => row['refreshHash'])]) {
      if (secret) expect(text).not.toContain(secret)
    }
    expect(lines.find(({ document }) => document?.email === person.email).document.passwordHash).toMatch(/^\$2/)
  })

  it('[ARC-03] refuses what is broken, cut off, foreign or of a newer form, naming the line, and changes nothing', async () => {
    const lines = (await readFile(file('all.jsonl'), 'utf8')).trimEnd().split('\n')
    const header = JSON.parse(lines[0]!)
    const users = lines.findIndex((line) => line.startsWith('{"collection":"users"'))
    const withLine = (index: number, line: string) => lines.with(index, line)
    const user = JSON.parse(lines[users]!)
    const piece = lines.findIndex((line) => line.startsWith('{"piece"'))
    const broken: [string, string[], RegExp][] = [
      ['empty', [], /line 1: the file is empty/],
      ['foreign', ['PK\u0003\u0004', 'x'], /line 1: this is not the first line of an export/],
      ['newer', withLine(0, JSON.stringify({ ...header, version: 2 })), /line 1: .* version 2 .* update it first/],
      ['not JSON', withLine(users, lines[users]!.slice(0, -3)), new RegExp(`line ${users + 1}: this is not JSON`)],
      ['cut off', lines.slice(0, -1), /line \d+: the file ends here, before its end/],
      ['thinned', lines.toSpliced(users, 1), /some are missing/],
      ['longer', [...lines, lines[users]!], /something follows the end/],
      ['unknown', withLine(users, '{"collection":"zithers","document":{"_id":"x"}}'), /no collection "zithers"/],
      [
        'newer field',
        withLine(users, JSON.stringify({ ...user, document: { ...user.document, shoeSize: 43 } })),
        new RegExp(`line ${users + 1}: User has no field "shoeSize"`),
      ],
      [
        'wrong type',
        withLine(users, JSON.stringify({ ...user, document: { ...user.document, createdAt: 'now' } })),
        /User.createdAt is not of the type Date/,
      ],
      ['bytes', withLine(piece, '{"piece":"AAAA"}'), /line \d+: /],
    ]
    for (const [name, content, problem] of broken) {
      const bytes = Buffer.from(content.length ? `${content.join('\n')}\n` : '')
      await expect(readArchive(Readable.from([bytes])), name).rejects.toThrow(problem)
    }
    // It is looked through before anything is written.
    await writeFile(file('broken.jsonl'), lines.slice(0, -1).join('\n'))
    const refused = await admin('target', 'import', file('broken.jsonl'))
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/^line \d+: the file ends here, before its end: it was cut off$/m)
    expect(Object.values(await stored(target)).flat()).toEqual([])
    const [missing, unknown] = await Promise.all([admin('target', 'import'), admin('target', 'export', 'a', 'b')])
    expect([missing.code, unknown.code]).toEqual([2, 2])
  })

  it('[ARC-04] imports all into an empty database as it was; again, or cut off before, it is the same', async () => {
    const before = await exported()
    // Cut off: what a first try left is gone on with.
    const lines = (await readFile(file('all.jsonl'), 'utf8')).trimEnd().split('\n')
    const half = lines.slice(0, lines.length >> 1).join('\n')
    const cut = await importBy(half)
    expect(cut.code, cut.stdout).toBe(1)
    const whole = await admin('target', 'import', file('all.jsonl'))
    expect(whole.code, whole.stderr).toBe(0)
    expect(whole.stdout).toMatch(/(\d+) documents, [1-9]\d* of them new; \d+ files, \d+ of them new/)
    expect(await stored(target)).toEqual(before)
    const again = await admin('target', 'import', file('all.jsonl'))
    expect(again.stdout, again.stderr).toContain('nothing is changed')
    expect(await stored(target)).toEqual(before)
    // Into the instance that it came from.
    const home = await admin('source', 'import', file('all.jsonl'))
    expect(home.stdout, home.stderr).toMatch(/ documents, [01] of them new; \d files, 0 of them new/)
  })

  it('[ARC-05] a server on the imported database logs people in and shows rooms, messages, boards and files', async () => {
    const instance = await start('target')
    const { accessToken } = await post<any>(`${instance.url}/api/v1/auth/login`, person)
    await expect(ask(instance, life.token, 'GET', '/me')).rejects.toThrow('401')
    const by = (method: string, path: string, body?: unknown) => ask(instance, accessToken, method, path, body)
    expect((await by('GET', '/chat-rooms')).items.map(({ id }: any) => id)).toEqual([life.roomId])
    const said = await by('GET', `/chat-rooms/${life.roomId}/messages`)
    expect(said.items.map(({ content }: any) => content)).toEqual(['one', 'two', 'three'])
    expect((await by('GET', `/messages?userId=${life.peerId}`)).items).toMatchObject([{ content: 'Just us' }])
    const board = JSON.stringify(await by('GET', `/projects/${life.projectId}/board`))
    expect(board).toContain('Record the bass')
    expect((await by('GET', `/projects/${life.projectId}/board/versions`)).items).toMatchObject([
      { name: 'Before the mix' },
    ])
    expect(sha256(await by('GET', `/audio-files/${life.audioId}/stream`))).toBe(sha256(life.sound))
    expect(sha256(await by('GET', `/images/${life.imageId}/content`))).toBe(sha256(life.picture))
    // And life goes on: the next message follows the last.
    const next = await by('POST', `/chat-rooms/${life.roomId}/messages`, { content: 'four' })
    expect(next.seq).toBe(4)
    await by('POST', `/projects/${life.projectId}/board/operations`, {
      operations: [{ op: 'card.add', cardId: 'drums', columnId: 'todo', title: 'Record the drums' }],
    })
    const found = await by('GET', `/chat-rooms/${life.roomId}/messages?q=two`)
    expect(found.items).toBeDefined()
    await instances.pop()!.close()
    // What came since stays, also when the export is imported once more.
    const after = await stored(target)
    const again = await admin('target', 'import', file('all.jsonl'))
    expect(again.stdout, again.stderr).toContain('nothing is changed')
    expect(await stored(target)).toEqual(after)
  })

  it('[ARC-06] is refused by a database that holds another instance', async () => {
    const lines = (await readFile(file('all.jsonl'), 'utf8')).split('\n')
    const header = { ...JSON.parse(lines[0]!), lineage: newId() }
    await writeFile(file('other.jsonl'), lines.with(0, JSON.stringify(header)).join('\n'))
    const refused = await admin('target', 'import', file('other.jsonl'))
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('holds the data of another instance')
  })

  it('[ARC-07] any value that is stored comes back the same, whatever its keys', () => {
    const { Binary, Timestamp } = mongoose.mongo.BSON
    const leaf = fc.oneof(
      fc.string(),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.date({ noInvalidDate: true }),
      fc.uint8Array().map((bytes) => new Binary(bytes)),
      fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map((value) => new Timestamp(value)),
    )
    const key = fc.oneof(fc.string(), fc.constantFrom('$date', '$binary', '$object', '$number', '__proto__'))
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('value')), fc.dictionary(key, tie('value'))),
    }))
    fc.assert(
      fc.property(value, (one) => {
        const text = JSON.stringify(encodeValue(one))
        expect(JSON.stringify(encodeValue(decodeValue(JSON.parse(text))))).toBe(text)
        expect(decodeValue(JSON.parse(text))).toEqual(one)
      }),
      { numRuns: 500 },
    )
  })

  it('[ARC-08] every collection goes along or says why it does not', () => {
    const taken = new Set(archivedCollections().map(({ name }) => name))
    const without = entities.filter(({ spec }) => !taken.has(spec.collection))
    expect(without.map(({ name }) => name).sort()).toMatchInlineSnapshot(`
      [
        "AuthToken",
        "Instance",
        "Lineage",
        "PushSubscription",
        "SearchCursor",
        "SearchEntry",
        "Session",
        "StorageClaim",
        "StorageMark",
        "Upload",
      ]
    `)
    for (const { spec } of without) expect(spec.archive?.leftOut).toMatch(/\w{3}/)
  })
})

/** Imports from stdin into the target. */
async function importBy(text: string): Promise<{ code: number | null; stdout: string }> {
  await writeFile(file('half.jsonl'), `${text}\n`)
  const { spawn } = await import('node:child_process')
  const { open } = await import('node:fs/promises')
  const input = await open(file('half.jsonl'))
  const child = spawn(process.execPath, [...programArguments('scripts/admin.ts'), 'import', '-'], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...envs.target },
    stdio: [input.fd, 'pipe', 'pipe'],
  })
  let stdout = ''
  child.stdout!.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr!.on('data', (chunk) => {
    stdout += chunk
  })
  const code = await new Promise<number | null>((done) => child.once('close', done))
  await input.close()
  return { code, stdout }
}
