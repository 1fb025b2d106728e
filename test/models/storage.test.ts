import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documentedEntities, entities } from '../../models/index.ts'
import { connectMongo, type Database } from '../../src/infra/mongo.ts'
import { newId } from '../../src/kernel/ids.ts'
import type { Logger } from '../../src/kernel/ports.ts'
import { storedArbitrary } from '../support/arbitraries.ts'
import { startTestMongod, type TestMongod } from '../support/mongod.ts'

const problems: unknown[] = []
const log: Logger = {
  debug() {},
  info() {},
  warn: (details) => problems.push(details),
  error: (details) => problems.push(details),
  child: () => log,
}

let mongod: TestMongod
let database: Database
beforeAll(async () => {
  mongod = await startTestMongod('models')
  database = await connectMongo(mongod.uri, entities, log)
})
afterAll(async () => {
  await database?.close()
  await mongod?.close()
  expect(problems).toEqual([])
})

const named = (name: string) => entities.find((entity) => entity.name === name)!

describe('in MongoDB', () => {
  it.each(entities.map((entity) => [entity.name, entity] as const))(
    '[MODEL-10] %s: a document comes back as it was, under its ULID as a string',
    async (name, entity) => {
      for (const doc of fc.sample(storedArbitrary(entity), { numRuns: 8, seed: 7 })) {
        await database.collection(entity).deleteMany({})
        await database.model(entity).create([doc] as never)
        const raw = (await database.collection(entity).findOne({ _id: doc['_id'] } as never)) as Record<string, unknown>
        expect(typeof raw['_id'], name).toBe('string')
        expect(raw).toMatchObject(doc)
        const defaults = Object.keys(raw).filter((key) => !(key in doc))
        const fields = { ...entity.spec.fields, ...entity.spec.extra, ...entity.spec.stored }
        expect(defaults.filter((key) => fields[key]?.type !== 'default')).toEqual([])
        const hydrated = await database.model(entity).findById(doc['_id'])
        expect(JSON.stringify(entity.toWire(hydrated!))).toBe(JSON.stringify(entity.toWire(raw)))
        expect(entity.toWire(raw)).toMatchObject(entity.toWire(doc))
      }
      await database.collection(entity).deleteMany({})
    },
  )

  it.each(documentedEntities.map((entity) => [entity.name, entity] as const))(
    '[MODEL-11] %s: a required field that is missing, or one that is unknown, is refused',
    async (_name, entity) => {
      const [doc] = fc.sample(storedArbitrary(entity), { numRuns: 1, seed: 11 })
      const fields = { ...entity.spec.fields, ...entity.spec.stored }
      const required = Object.keys(fields).filter(
        (key) => key !== 'id' && !['optional', 'default'].includes(fields[key].type),
      )
      for (const key of required) {
        const { [key]: _left, ...rest } = doc!
        await expect(database.model(entity).create([rest] as never), key).rejects.toThrow(key)
      }
      await expect(database.model(entity).create([{ ...doc, stranger: 1 }] as never)).rejects.toThrow('stranger')
      expect(await database.collection(entity).countDocuments({ _id: doc!['_id'] } as never)).toBe(0)
    },
  )

  it('[MODEL-12] has exactly the declared indexes, each with the query that it serves', async () => {
    for (const name of new Set(entities.map(({ spec }) => spec.collection))) {
      const declared = entities.filter(({ spec }) => spec.collection === name).flatMap(({ spec }) => spec.indexes)
      const built = await database.connection.collection(name).indexes()
      expect(built.filter((index) => index.name !== '_id_').length, name).toBe(declared.length)
      for (const { serves } of declared) expect(serves.length).toBeGreaterThan(5)
      const unique = (list: { unique?: boolean }[]) => list.filter((index) => index.unique).length
      expect(unique(built)).toBe(unique(declared.map(({ options }) => (options ?? {}) as { unique?: boolean })))
    }
  })

  /** Entity, the fields that tell its documents apart, and what puts a document outside the constraint. */
  const constraints: [string, string[], Record<string, unknown>?, Record<string, unknown>?][] = [
    ['AudioFileMetricType', ['name']],
    ['AudioFileReport', ['audioFileId']],
    ['AudioFileTag', ['audioFileId', 'tagId']],
    ['AuthToken', ['tokenHash']],
    ['Block', ['userId', 'blockedId']],
    ['Bot', ['tokenHash']],
    ['Bot', ['userId']],
    ['Job', ['kind', 'key'], { key: 'k' }, { key: undefined }],
    ['Like', ['targetType', 'targetId', 'userId']],
    ['Match', ['userA', 'userB']],
    ['Membership', ['logId', 'userId']],
    ['Notification', ['userId', 'dedupeKey'], { isRead: false }, { isRead: true }],
    ['NotificationPreference', ['userId']],
    ['Permission', ['action', 'resource']],
    ['PlaylistAudioFile', ['playlistId', 'audioFileId']],
    ['PlaylistAudioFile', ['playlistId', 'rank']],
    ['Profile', ['userId']],
    ['Report', ['reporterId', 'targetType', 'targetId'], { status: 'open' }, { status: 'closed' }],
    ['Role', ['name']],
    ['RolePermission', ['roleId', 'permissionId']],
    ['Tag', ['nameKey']],
    ['User', ['emailKey']],
    ['UserAudioFileAnalysis', ['audioFileId', 'userId']],
    ['UserFollow', ['followerId', 'followeeId']],
    ['UserProject', ['projectId', 'userId']],
    ['UserRole', ['userId', 'roleId']],
  ]
  it.each(constraints)('[MODEL-13] %s is one by %j', async (name, keys, inside = {}, outside) => {
    const entity = named(name)
    const docs = fc.sample(storedArbitrary(entity), { numRuns: 4, seed: 13 }).map((doc) => ({ ...doc, _id: newId() }))
    const [first, second, third, fourth] = docs as Record<string, unknown>[]
    const same = Object.fromEntries(keys.map((key) => [key, first![key]]))
    const insert = (doc: object) => database.model(entity).create([doc] as never)
    await database.collection(entity).deleteMany({})
    await insert({ ...first, ...inside })
    await expect(insert({ ...second, ...same, ...inside })).rejects.toMatchObject({ code: 11000 })
    await insert({
      ...third,
      ...inside,
      ...(outside ? { ...same, ...outside } : {}),
      ...(inside['key'] || inside['refreshHash'] ? outside : {}),
    })
    if (outside) await insert({ ...fourth, ...same, ...outside })
    await database.collection(entity).deleteMany({})
  })

  const when = new Date('2026-01-01T00:00:00Z')
  const id = newId()
  /** Entity, filter, sort, and the index that has to answer without sorting. */
  const queries: [string, object, Record<string, 1 | -1> | undefined, object][] = [
    ['Session', { userId: id, revokedAt: null }, undefined, { userId: 1, revokedAt: 1 }],
    ['Session', { revokedAt: { $gt: when } }, undefined, { revokedAt: 1 }],
    ['Notification', { userId: id }, { _id: -1 }, { userId: 1, _id: -1 }],
    ['Notification', { userId: id, isRead: false }, { _id: -1 }, { userId: 1, isRead: 1, _id: -1 }],
    ['Notification', { userId: id, acts: 'like:1' }, undefined, { userId: 1, acts: 1 }],
    ['AudioFile', { visibility: 'public' }, { _id: -1 }, { visibility: 1, _id: -1 }],
    ['Comment', { targetType: 'Profile', targetId: id }, { _id: -1 }, { targetType: 1, targetId: 1, _id: -1 }],
    ['Like', { targetType: 'Project', targetId: id }, undefined, { targetType: 1, targetId: 1, userId: 1 }],
    ['UserFollow', { followeeId: id }, { _id: -1 }, { followeeId: 1, _id: -1 }],
    ['Match', { userB: id }, { score: -1, _id: -1 }, { userB: 1, score: -1, _id: -1 }],
    ['PlaylistAudioFile', { playlistId: id }, { rank: 1 }, { playlistId: 1, rank: 1 }],
    ['Report', { status: 'open' }, { _id: 1 }, { status: 1, _id: 1 }],
    ['Profile', { nameKey: 'jane d' }, undefined, { nameKey: 1 }],
    ['Tag', { nameKey: /^amb/ }, { nameKey: 1 }, { nameKey: 1 }],
    ['Bot', { ownerId: id }, { _id: -1 }, { ownerId: 1, _id: -1 }],
    ['Presence', { instances: id }, undefined, { instances: 1 }],
    ['Job', { kind: 'k', failedAt: null, runAt: { $lte: when } }, { runAt: 1 }, { kind: 1, failedAt: 1, runAt: 1 }],
  ]
  it.each(queries)(
    '[MODEL-14] %s: %j in the order %j is answered by the index %j',
    async (name, filter, sort, keys) => {
      // Between indexes that could both answer, the planner tries which finds faster: there must be something to find.
      if (name === 'Notification') await insertNotifications(id)
      const cursor = database.collection(named(name)).find(filter as never)
      const plan = JSON.stringify(
        (await (sort ? cursor.sort(sort) : cursor).explain('queryPlanner'))['queryPlanner']['winningPlan'],
      )
      expect(plan).toContain(`"keyPattern":${JSON.stringify(keys)}`)
      expect(plan).not.toMatch(/"stage":"(SORT|COLLSCAN)"/)
    },
  )
})

/** 300 notifications of a user, every hundredth unread. */
async function insertNotifications(userId: string) {
  const collection = database.collection(named('Notification'))
  await collection.deleteMany({})
  const docs = Array.from({ length: 300 }, (_, n) => {
    const dedupeKey = n === 0 ? 'k' : `k${n}`
    return { _id: newId(), userId, type: 'NewLike', dedupeKey, isRead: n % 100 !== 0, createdAt: new Date() }
  })
  await collection.insertMany(docs as never)
}
