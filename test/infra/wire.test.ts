import fc from 'fast-check'
import mongoose from 'mongoose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { appName, connectMongo, type Database } from '../../src/infra/mongo.ts'
import { Lane } from '../../src/infra/wire/lane.ts'
import { AnswerReader, encodeMessage } from '../../src/infra/wire/message.ts'
import { toAppError } from '../../src/kernel/errors.ts'
import { newId } from '../../src/kernel/ids.ts'
import { freeze } from '../support/freezing.ts'
import { type Mongod, startMongod } from '../support/killable-mongod.ts'
import { quiet } from '../support/logs.ts'
import { until } from '../support/socket.ts'

const { MongoServerError } = mongoose.mongo

describe('Messages', () => {
  it('[WIRE-01] are put together however the bytes come, and anything else is refused', () => {
    const body = fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), fc.oneof(fc.string(), fc.integer()))
    fc.assert(
      fc.property(fc.array(body, { maxLength: 5 }), fc.array(fc.nat(60), { maxLength: 30 }), (bodies, cuts) => {
        const bytes = Buffer.concat(
          bodies.map((each, index) => {
            const message = encodeMessage(0, { each })
            message.writeInt32LE(index + 1, 8)
            return message
          }),
        )
        const reader = new AnswerReader()
        const answers = []
        let at = 0
        for (const cut of [...cuts, bytes.length]) {
          answers.push(...reader.read(bytes.subarray(at, at + cut)))
          at += cut
        }
        expect(answers.map(({ to }) => to)).toEqual(bodies.map((_, index) => index + 1))
        expect(answers.map((answer) => ({ ...answer.body['each'] }))).toEqual(bodies.map((each) => ({ ...each })))
      }),
    )
    for (const bytes of ['HTTP/1.1 400 Bad Request\r\n\r\n', '\0\0\0\0\0\0\0\0', `\x20\0\0\0${'\x01'.repeat(28)}`])
      expect(() => new AnswerReader().read(Buffer.from(bytes, 'latin1'))).toThrow()
  })
})

describe('Commands on connections of their own', () => {
  let mongod: Mongod
  let database: Database
  const things = () => database.connection.getClient().db($db).collection<{ _id: string }>('things')
  const $db = `wire-${newId().toLowerCase()}`
  /** Of the same name, as an entity has it. */
  const entity = { spec: { collection: 'things' } } as never
  const insert = (...ids: string[]) => ({
    insert: 'things',
    documents: ids.map((_id) => ({ _id, absent: undefined })),
    ordered: false,
    writeConcern: { w: 'majority', j: true, wtimeout: 8_000 },
  })
  /** How many connections there are that the driver did not make. */
  async function lanes(): Promise<number> {
    const admin = database.connection.getClient().db('admin')
    const found = await admin
      .aggregate(
        [
          { $currentOp: { allUsers: true, idleConnections: true } },
          { $match: { 'clientMetadata.driver.name': appName } },
        ],
        { readConcern: { level: 'local' } },
      )
      .toArray()
    return found.length
  }
  /** Writes until a write has found one. */
  const open = () =>
    until(
      async () => {
        await database.write(insert(newId())).catch(() => {})
        return (await lanes().catch(() => 0)) > 0
      },
      30_000,
      'a connection of its own',
    )

  beforeAll(async () => {
    mongod = await startMongod({ own: true })
    // Longer than a server waits for a primary: beside other suites a mongod can take its time to start.
    database = await connectMongo(mongod.uri($db), [], quiet, { selectMs: 60_000 })
  }, 60_000)
  afterAll(async () => {
    await database?.close()
    await mongod?.stop()
  }, 30_000)

  it('[WIRE-02] are answered as by the driver, duplicates and refused commands as well', async () => {
    await open()
    const [one, two] = [newId(), newId()]
    expect(await database.write(insert(one))).toMatchObject({ ok: 1, n: 1 })
    expect(await database.write(insert(one, two))).toMatchObject({ n: 1, writeErrors: [{ index: 0, code: 11000 }] })
    expect(await things().findOne({ _id: two })).toEqual({ _id: two })
    const concern = { ...insert(newId()), writeConcern: { w: 3, wtimeout: 50 } }
    await expect(database.write(concern)).rejects.toMatchObject({ name: 'MongoWriteConcernError', code: 100 })
    const refused = await database.write({ insert: 'things' }).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(MongoServerError)
    expect(refused).toMatchObject({ code: expect.any(Number), message: expect.stringContaining('documents') })
    await open()
  })

  it('[WIRE-03] are few at once; more are the driver’s, and none is lost or doubled', async () => {
    const ids = Array.from({ length: 500 }, () => newId())
    const answers = await Promise.all(ids.map((id) => database.write(insert(id))))
    expect(answers.every((answer) => answer['n'] === 1)).toBe(true)
    expect(await things().countDocuments({ _id: { $in: ids } })).toBe(500)
    const count = await lanes()
    expect(count).toBeGreaterThan(0)
    expect(count).toBeLessThanOrEqual(3)
  })

  it('[WIRE-04] that were answered are there after mongod was killed; what failed says that the database is away', async () => {
    await open()
    const acked: string[] = []
    const failures: unknown[] = []
    let isOver = false
    const write = async () => {
      while (!isOver) {
        const id = newId()
        try {
          await database.write(insert(id))
          acked.push(id)
        } catch (error) {
          failures.push(error)
        }
      }
    }
    const writers = [write(), write(), write(), write()]
    await until(() => acked.length > 200, 30_000)
    await mongod.kill()
    await mongod.restart()
    const before = acked.length
    await until(() => acked.length > before + 200, 60_000)
    isOver = true
    await Promise.all(writers)
    expect(failures.map((error) => toAppError(error).code)).toEqual(failures.map(() => 'unavailable'))
    expect(failures.length).toBeGreaterThan(0)
    expect(await things().countDocuments({ _id: { $in: acked } })).toBe(acked.length)
    await open()
  }, 120_000)

  it('[WIRE-05] end when there is no answer in time, and when another is primary', async () => {
    const { port } = new URL(mongod.uri($db))
    const at = { host: '127.0.0.1', port: Number(port), appName, connectMs: 5_000, answerMs: 300, depth: 1 }
    let ended = 0
    const lane = await Lane.open(at, () => {
      ended++
    })
    try {
      await freeze(mongod.pid()!)
      const late = await lane.run({ ping: 1, $db: 'admin' }).catch((error: unknown) => error)
      expect(toAppError(late).code).toBe('unavailable')
      expect([lane.isFree, ended]).toEqual([false, 1])
    } finally {
      process.kill(mongod.pid()!, 'SIGCONT')
    }
    await open()
    const admin = database.connection.getClient().db('admin')
    await admin.command({ replSetStepDown: 2, force: true })
    const id = newId()
    await until(() => database.write(insert(id)).catch(() => null), 60_000, 'there is a primary again')
    expect(await things().countDocuments({ _id: id })).toBe(1)
    await open()
  }, 120_000)

  it('[WIRE-07] reads are answered as by the driver, also where one answer does not hold all', async () => {
    const documents = Array.from({ length: 120 }, (_, index) => ({
      _id: newId(),
      group: 'read',
      index,
      at: new Date(index),
      bytes: Buffer.alloc(index % 7, index),
      large: 2 ** 40 + index,
      none: null,
      // Thirty of them are more than the 16 MB of an answer.
      text: index < 90 ? 'short' : 'x'.repeat(600_000),
    }))
    await things().insertMany(documents as never)
    const ask = (filter: object, options: Parameters<Database['find']>[2]) => [
      database.find(entity, filter as never, options),
      things()
        .find(filter as never, options as object)
        .toArray(),
    ]
    const way = fc.constantFrom(1 as const, -1 as const)
    const options = fc.record({
      limit: fc.integer({ min: 1, max: 90 }),
      sort: fc.oneof<fc.Arbitrary<Record<string, 1 | -1>>[]>(
        fc.record({ index: way }),
        fc.record({ bytes: way, _id: way }),
      ),
      projection: fc.constantFrom<Record<string, 0 | 1> | undefined>(undefined, { text: 0 }, { index: 1, at: 1 }),
    })
    await fc.assert(
      fc.asyncProperty(options, fc.integer({ min: -1, max: 90 }), async (options, from) => {
        const [ours, theirs] = await Promise.all(ask({ group: 'read', index: { $gte: from, $lt: 90 } }, options))
        expect(ours).toEqual(theirs)
      }),
    )
    const [ours, theirs] = await Promise.all(ask({ group: 'read' }, { limit: 200, sort: { index: 1 } }))
    expect(ours!.length).toBe(120)
    expect(ours).toEqual(theirs)
    // Without a limit all are found, whether one answer holds them or not; so are an aggregation's.
    const filter = { group: 'read', index: { $lt: 90 } }
    const [all, same] = await Promise.all(ask(filter, { sort: { index: 1 }, maxTimeMS: 10_000 }))
    expect(all).toEqual(same)
    const pipeline = [{ $match: { group: 'read' } }, { $sort: { index: 1 } }]
    expect(await database.aggregate(entity, pipeline, { maxTimeMS: 10_000 })).toEqual(ours)
    const doubled = [{ $match: filter }, { $sort: { index: 1 } }, { $set: { twice: { $multiply: ['$index', 2] } } }]
    const made = await database.aggregate(entity, doubled)
    expect(made).toEqual(await things().aggregate(doubled).toArray())
    expect(made.map((each) => each['twice'])).toEqual(same!.map((_, index) => 2 * index))
    const [operation] = await database.aggregateAdmin([{ $currentOp: {} }, { $match: { type: 'op' } }, { $limit: 1 }])
    expect(operation).toMatchObject({ type: 'op' })
    // Many at once are more than these connections carry.
    const one = (index: number) =>
      database.collection(entity).findOne({ group: 'read', index } as never) as Promise<any>
    const found = await Promise.all(Array.from({ length: 1_000 }, (_, index) => one(index % 130)))
    expect(found.map((each) => each?.index ?? -1)).toEqual(found.map((_, at) => (at % 130 < 120 ? at % 130 : -1)))
    await expect(database.find(entity, { $nonsense: 1 } as never, { limit: 1 })).rejects.toBeInstanceOf(
      MongoServerError,
    )
    await expect(database.aggregate(entity, [{ $nonsense: 1 }])).rejects.toBeInstanceOf(MongoServerError)
  })

  it('[WIRE-08] reads wait for a mongod that starts anew, and go on', async () => {
    const id = newId()
    await until(
      () =>
        database.write(insert(id)).then(
          () => true,
          () => false,
        ),
      30_000,
    )
    const read = () => database.collection(entity).findOne({ _id: id } as never)
    for (let round = 0; round < 5; round++) expect(await read()).toEqual({ _id: id })
    await mongod.kill()
    const [late] = await Promise.all([read(), mongod.restart()])
    expect(late).toEqual({ _id: id })
    expect(await read()).toEqual({ _id: id })
  }, 120_000)

  it('[WIRE-06] are the driver’s where the address asks for what they can’t do', async () => {
    const other = await connectMongo(`${mongod.uri($db)}&compressors=zlib`, [], quiet)
    try {
      await database.close()
      database = other
      await until(async () => (await lanes()) === 0, 10_000, 'those of the former are gone')
      for (let index = 0; index < 20; index++) await other.write(insert(newId()))
      expect(await lanes()).toBe(0)
    } finally {
      database = await connectMongo(mongod.uri($db), [], quiet)
      await other.close()
    }
  })
})
