import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mongoose from 'mongoose'
import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { SearchCursor } from '../../models/SearchCursor.ts'
import { SearchEntry } from '../../models/SearchEntry.ts'
import type { RunResult } from '../../src/infra/subprocess.ts'
import { startTestMongod, type TestMongod } from '../support/mongod.ts'
import { type Instance, post, runScript, startInstance } from '../support/processes.ts'

// A dozen passwords are hashed at full cost, and programs are started, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let mongod: TestMongod
let first: RunResult
let dataDir = ''
let instance: Instance
let connection: mongoose.Connection
let env: Record<string, string> = {}

beforeAll(async () => {
  mongod = await startTestMongod('demo')
  dataDir = await mkdtemp(join(tmpdir(), 'phantom-power-demo-'))
  env = { MONGODB_URI: mongod.uri, DATA_DIR: dataDir }
  instance = await startInstance(env)
  connection = await mongoose.createConnection(mongod.uri).asPromise()
  first = await runScript('demo.ts', [], env)
})

afterAll(async () => {
  await connection?.close()
  await instance?.close()
  await mongod?.close()
  await rm(dataDir, { recursive: true, force: true })
})

/** Derived from the log sooner or later, whenever an instance gets to it. */
const derived = [SearchEntry, SearchCursor].map((entity): string => entity.spec.collection)

/** Every collection's number of documents, and where each log ends. */
async function survey(): Promise<Record<string, number>> {
  const db = connection.db!
  const found: Record<string, number> = {}
  for (const { name } of await db.listCollections().toArray()) {
    if (!derived.includes(name)) found[name] = await db.collection(name).countDocuments()
  }
  const heads = await db
    .collection('log')
    .aggregate([{ $group: { _id: '$logId', rev: { $max: '$rev' } } }])
    .toArray()
  for (const { _id, rev } of heads) found[`rev of ${_id}`] = rev
  return found
}

describe('npm run demo', () => {
  it('[DEMO-01] makes its world beside a running instance; a second run doubles and changes nothing', async () => {
    expect(first.code, first.stderr).toBe(0)
    expect(first.stdout).toContain('12 musicians (12 new), 6 rooms')
    // The instance tells people what the run has left them to hear of; then there is nothing more to come.
    await vi.waitUntil(async () => (await connection.db!.collection('jobs').countDocuments()) === 0, 90_000)
    const before = await survey()
    expect(before).toMatchObject({
      users: 12,
      profiles: 12,
      chatrooms: 6,
      presences: 12,
      audiofiles: 6,
      playlists: 3,
      projects: 3,
      bookings: 10,
    })
    const second = await runScript('demo.ts', [], env)
    expect(second.code, second.stderr).toBe(0)
    expect(second.stdout).toContain('12 musicians (0 new), 6 rooms')
    expect(await survey()).toEqual(before)
  })

  it('[DEMO-02] its log-ins work, and lead to rooms with replies, reactions, pins, edits, mentions and unread', async () => {
    const [, email, password] = /(\S+@example\.com) +(.+)$/m.exec(first.stdout)!
    const { accessToken } = await post<{ accessToken: string }>(`${instance.url}/api/v1/auth/login`, {
      email,
      password,
    })
    const socket = io(instance.url, { auth: { token: accessToken }, transports: ['websocket'], reconnection: false })
    onTestFinished(() => void socket.disconnect())
    const ready = await new Promise<any>((resolve, reject) =>
      socket.once('ready', resolve).once('connect_error', reject),
    )
    expect(ready.rooms.length).toBeGreaterThanOrEqual(3)
    expect(ready.conversations.length).toBeGreaterThanOrEqual(1)
    expect(ready.rooms.some((room: any) => room.unread > 0)).toBe(true)
    const messages: any[] = []
    for (const { id } of ready.rooms) {
      const ack = await socket.timeout(20_000).emitWithAck('room:history', { roomId: id, limit: 200 })
      expect(ack.ok).toBe(true)
      messages.push(...ack.data.messages)
    }
    const count = (holds: (message: any) => unknown) => messages.filter(holds).length
    expect(count((message) => message.replyToId)).toBeGreaterThan(5)
    expect(count((message) => message.reactions.length > 0)).toBeGreaterThan(5)
    expect(count((message) => message.mentions.length > 0)).toBeGreaterThan(1)
    expect(count((message) => message.pinned)).toBeGreaterThan(1)
    expect(count((message) => message.updatedAt)).toBeGreaterThan(1)
  })
})
