import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ChatMessage } from '../../models/ChatMessage.ts'
import { LogEntry } from '../../models/LogEntry.ts'
import { createRandom } from '../../scripts/shared/random.ts'
import { connectMongo, type Database } from '../../src/infra/mongo.ts'
import { watchTransactions } from '../../src/infra/orphanTransactions.ts'
import { newId } from '../../src/kernel/ids.ts'
import { createLogStore } from '../../src/log/store.ts'
import type { LogRecord, LogStore, WriteStep } from '../../src/log/types.ts'
import { type Mongod, startMongod } from '../support/killable-mongod.ts'
import {
  createHub,
  createInstance,
  draftOf,
  faultsOf,
  faultsOfDelivery,
  type Instance,
  quiet,
  refuseClosed,
  wait,
} from '../support/logs.ts'

describe('The log on MongoDB', () => {
  let mongod: Mongod
  let databases: Database[] = []
  let stores: LogStore<any>[] = []

  beforeAll(async () => {
    mongod = await startMongod()
    const uri = mongod.uri(`log-${newId().toLowerCase()}`)
    databases = [await connectMongo(uri, [LogEntry, ChatMessage], quiet)]
    databases.push(await connectMongo(uri, [LogEntry, ChatMessage], quiet))
    stores = databases.map((database) => createLogStore(database))
  })
  afterAll(async () => {
    await databases[0]?.connection.dropDatabase().catch(() => {})
    for (const database of databases) await database.close()
    await mongod?.stop()
  })

  /** The entries of a log with the revs that each holds or held. */
  async function stored(logId: string) {
    const entries = (await databases[0]!
      .collection(LogEntry)
      .find({ logId } as object)
      .toArray()) as unknown as LogRecord[]
    const owners = new Map(entries.flatMap((entry) => (entry['slots'] as number[]).map((rev) => [rev, entry._id])))
    return { entries, owner: (rev: number) => owners.get(rev) }
  }

  async function startTwo(logIds: string[], options = {}): Promise<Instance[]> {
    const hub = createHub(createRandom(1).next, { lost: 0.02, twice: 0.02, delay: 2 })
    const instances = stores.map((store, index) =>
      createInstance(store, hub.join(`m${index}`), { compareMs: 200, patienceMs: 10_000, ...options }),
    )
    for (const instance of instances) {
      for (const { logId, rev } of await instance.log.acquire(logIds)) instance.from.set(logId, rev)
    }
    return instances
  }

  async function expectSound(logId: string, instances: Instance[]) {
    const { entries, owner } = await stored(logId)
    expect(faultsOf(entries, owner)).toEqual([])
    const head = Math.max(...entries.map((entry) => entry.rev))
    for (const instance of instances) {
      for (let tries = 0; instance.log.get(logId)!.rev < head && tries < 3_000; tries++) await wait(10)
      const delivered = instance.delivered.get(logId) ?? []
      expect(faultsOfDelivery(entries, owner, instance.from.get(logId)!, delivered)).toEqual([])
    }
    return entries
  }

  const entryOf = (logId: string, rev: number, fields: Partial<LogRecord> = {}): LogRecord => ({
    _id: newId(),
    logId,
    rev,
    firstRev: rev,
    logSeq: rev,
    seq: rev,
    kind: 'ChatMessage',
    event: 'room:message',
    senderId: 'a',
    at: new Date(),
    ...fields,
  })

  it('[LOG-03] never gives a rev again, also after its entry moved on', async () => {
    const store = stores[0]!
    const logId = `r:${newId()}`
    const first = entryOf(logId, 1)
    const second = entryOf(logId, 2)
    const insert = (record: LogRecord): WriteStep => ({ type: 'insert', record })
    const move = (of: LogRecord, fromRev: number, rev: number, set: object = {}): WriteStep => ({
      type: 'replace',
      id: of._id,
      fromRev,
      record: { ...of, rev },
      set: { ...set, rev },
      changeId: newId(),
    })
    expect(await store.write([insert(first), insert(second)])).toEqual({ done: 2, stale: [] })
    expect(await store.write([move(second, 2, 3, { content: '$rev', deep: { $x: 1 }, no: undefined })])).toEqual({
      done: 1,
      stale: [],
    })
    for (const rev of [1, 2, 3]) {
      expect(await store.write([insert(entryOf(logId, rev)), insert(entryOf(logId, 9))])).toMatchObject({
        done: 0,
        stopped: 'rev',
      })
      expect(await store.writeTogether([entryOf(logId, rev)], async () => {})).toMatchObject({ stopped: 'rev' })
      if (rev > 1) expect(await store.write([move(first, 1, rev)])).toMatchObject({ done: 0, stopped: 'rev' })
    }
    expect(await store.write([insert(entryOf(logId, 4)), move(second, 2, 5)])).toMatchObject({ done: 2, stale: [1] })
    const [now] = await store.byIds([second._id])
    expect(now).toMatchObject({ rev: 3, content: '$rev', deep: { $x: 1 } })
    expect(now).not.toHaveProperty('no')
    expect(await store.heads([logId])).toEqual(new Map([[logId, { rev: 4, seq: 4 }]]))
    expect((await store.after(logId, 0, 10)).map((entry) => entry.rev)).toEqual([1, 3, 4])
  })

  it('[LOG-04] lets an instance that lags behind collide with what it missed', async () => {
    const logId = `r:${newId()}`
    const hub = createHub(createRandom(1).next, { lost: 1, twice: 0, delay: 0 })
    const [one, two] = stores.map((store, index) =>
      createInstance(store, hub.join(`l${index}`), { compareMs: 60_000 }),
    ) as [Instance, Instance]
    for (const instance of [one, two]) {
      await instance.log.acquire([logId])
      instance.from.set(logId, 0)
    }
    const entry = await one.log.append(logId, draftOf())
    await one.log.change(logId, { current: entry, event: 'room:update', transform: () => ({ content: 'y' }) })
    const other = await two.log.append(logId, draftOf())
    expect([entry.rev, other.rev, other.seq]).toEqual([1, 3, 2])
    // Changed by one who has read it, but not the log up to there: never back to a rev that it has left.
    const third = await two.log.append(logId, draftOf())
    const fourth = await two.log.change(logId, { current: third, event: 'room:update', transform: () => ({ x: 1 }) })
    const fifth = await one.log.change(logId, { current: fourth, event: 'room:update', transform: () => ({ x: 2 }) })
    expect([third.rev, fourth.rev, fifth.rev]).toEqual([4, 5, 6])
    await two.log.compare()
    await one.log.compare()
    await expectSound(logId, [one, two])
    for (const instance of [one, two]) instance.crash()
  })

  it('[LOG-05] gives 3,000 entries of 64 senders on two racing instances their places, acked as stored', async () => {
    const logId = `r:${newId()}`
    const instances = await startTwo([logId])
    const acked: LogRecord[] = []
    const slowest = [0, 0]
    const started = performance.now()
    const counts = [0, 0]
    let left = 3_000
    await Promise.all(
      instances.flatMap((instance, which) =>
        Array.from({ length: 32 }, async (_, sender) => {
          for (let nth = 0; left-- > 0; nth++) {
            const draft = draftOf({ senderId: `${which}-${sender}`, clientId: `c${nth}` })
            const at = performance.now()
            const record = await instance.log.append(logId, draft, refuseClosed)
            slowest[which] = Math.max(slowest[which]!, performance.now() - at)
            counts[which]!++
            acked.push(record)
            if (nth % 20 === 3) {
              const again = await instances[1 - which]!.log.append(logId, { ...draft, id: newId() })
              expect([again._id, again.rev, again.seq]).toEqual([record._id, record.rev, record.seq])
            }
            if (nth % 15 === 5) {
              const options = { current: record, event: 'room:update', transform: () => ({ content: 'edited' }) }
              acked.push(await instance.log.change(logId, options))
            }
          }
        }),
      ),
    )
    console.log(instances.map((instance) => instance.log.stats()))
    const entries = await expectSound(logId, instances)
    expect(entries.length).toBe(3_000)
    const { owner } = await stored(logId)
    expect(acked.filter((record) => owner(record.rev) !== record._id)).toEqual([])
    const seconds = (performance.now() - started) / 1_000
    console.log('two instances, one log:', { perSecond: Math.round(3_000 / seconds), counts, slowest })
    for (const instance of instances) await instance.log.close()
  })

  it('[LOG-06] writes the entries and what goes along in one transaction, or nothing', async () => {
    const logId = `r:${newId()}`
    const [one, two] = (await startTwo([logId])) as [Instance, Instance]
    const side = databases[0]!.connection.getClient().db(databases[0]!.connection.name).collection<any>('side')
    const both = [one, two].flatMap((instance) =>
      Array.from({ length: 10 }, (_, nth) =>
        instance.log.appendWith(logId, [draftOf(), draftOf()], async (session: any) => {
          // Each instance's own client has the session.
          const own = databases[instance === one ? 0 : 1]!.connection
          await own.getClient().db(own.name).collection<any>('side').insertOne({ nth }, { session })
          if (nth === 5) throw new TypeError('no')
        }),
      ),
    )
    const results = await Promise.allSettled(both)
    expect(results.map((result) => result.status === 'fulfilled')).toEqual(
      Array.from({ length: 20 }, (_, index) => index % 10 !== 5),
    )
    expect(await side.countDocuments()).toBe(18)
    expect((await expectSound(logId, [one, two])).length).toBe(36)
    for (const instance of [one, two]) await instance.log.close()
  })

  it('[LOG-07] refuses an entry that can never be stored, and no other with it', async () => {
    const logId = `r:${newId()}`
    const [one, two] = (await startTwo([logId])) as [Instance, Instance]
    const bad = draftOf({ body: { content: 'x', data: Buffer.alloc(17 * 1024 * 1024) } })
    const results = await Promise.allSettled([
      ...Array.from({ length: 50 }, () => one.log.append(logId, draftOf())),
      one.log.append(logId, bad),
      ...Array.from({ length: 50 }, () => one.log.append(logId, draftOf())),
    ])
    expect(results.flatMap((result, index) => (result.status === 'rejected' ? [index] : []))).toEqual([50])
    expect((await expectSound(logId, [one, two])).length).toBe(100)
    for (const instance of [one, two]) await instance.log.close()
  })

  it('[LOG-09] goes on where an instance died in the middle of a transaction', async () => {
    const logId = `r:${newId()}`
    const [one, two] = (await startTwo([logId])) as [Instance, Instance]
    await one.log.append(logId, draftOf())
    // What a killed process leaves behind: a session in which nothing happens any more, with the next rev taken.
    const session = databases[0]!.connection.getClient().startSession()
    session.startTransaction({ writeConcern: { w: 'majority' } })
    const left = { _id: newId(), logId, rev: 2, slots: [2], logSeq: 2 }
    await databases[0]!.collection(LogEntry).insertOne(left as never, { session })
    const watch = watchTransactions(databases[1]!, quiet)
    try {
      const record = await two.log.append(logId, draftOf())
      expect(record.rev).toBe(2)
      await expect(session.commitTransaction()).rejects.toThrow(/aborted/)
      expect((await expectSound(logId, [one, two])).length).toBe(2)
    } finally {
      await watch.close()
      await session.endSession()
      for (const instance of [one, two]) await instance.log.close()
    }
  })

  it('[LOG-08] loses nothing acked, and stores nothing twice, when mongod is killed', async () => {
    const own = await startMongod({ own: true })
    const uri = own.uri('log')
    const database = await connectMongo(uri, [LogEntry, ChatMessage], quiet, { selectMs: 5_000 })
    const logId = `r:${newId()}`
    const acked = new Map<string, LogRecord>()
    let refused = 0
    try {
      const hub = createHub(createRandom(1).next, { lost: 0, twice: 0, delay: 1 })
      const instances = [0, 1].map((index) =>
        createInstance(createLogStore(database), hub.join(`k${index}`), { compareMs: 200, patienceMs: 20_000 }),
      )
      for (const instance of instances) {
        await instance.log.acquire([logId])
        instance.from.set(logId, 0)
      }
      let going = true
      const senders = instances.flatMap((instance, which) =>
        Array.from({ length: 16 }, async (_, sender) => {
          for (let nth = 0; going; nth++) {
            const draft = draftOf({ senderId: `${which}-${sender}`, clientId: `c${nth}` })
            const record = await instance.log.append(logId, draft).catch(() => null)
            if (record) acked.set(record._id, record)
            else refused++
          }
        }),
      )
      for (let kills = 0; kills < 2; kills++) {
        await wait(800)
        await own.kill()
        await wait(300)
        await own.restart()
      }
      const before = acked.size
      for (let tries = 0; acked.size < before + 50 && tries < 1_000; tries++) await wait(50)
      going = false
      await Promise.all(senders)
      const raw = database.collection(LogEntry)
      const entries = (await raw.find({ logId } as object).toArray()) as unknown as LogRecord[]
      const byId = new Map(entries.map((entry) => [entry._id, entry]))
      expect([...acked.values()].filter((record) => byId.get(record._id)?.rev !== record.rev)).toEqual([])
      expect(faultsOf(entries, () => undefined)).toEqual([])
      for (const instance of instances) {
        for (let tries = 0; instance.log.get(logId)!.rev < entries.length && tries < 3_000; tries++) await wait(10)
        expect(faultsOfDelivery(entries, () => undefined, 0, instance.delivered.get(logId) ?? [])).toEqual([])
        instance.crash()
      }
      console.log('killed twice:', { acked: acked.size, stored: entries.length, refused })
    } finally {
      await database.close()
      await own.stop()
    }
  })
})
