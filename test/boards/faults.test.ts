import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isDeepStrictEqual } from 'node:util'
import mongoose from 'mongoose'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import * as Y from 'yjs'
import { editAtRandom } from '../../scripts/chaos/boards/edits.ts'
import { createRandom } from '../../scripts/shared/random.ts'
import { freeze } from '../support/freezing.ts'
import { startMongod } from '../support/killable-mongod.ts'
import { createWorld, type Person, type World } from '../support/world.ts'
import { addCard, boardsOf, closeClients, contentOf, openBoard, openRaw, projectOf, rounds, seeds } from './support.ts'

const { Timestamp } = mongoose.mongo

let world: World
let ann: Person
beforeAll(async () => {
  world = await createWorld({ instances: 2, redis: 'own', boards: { idleMs: 1_500 } })
  ann = await world.user('Ann')
})
afterEach(closeClients)
afterAll(() => world?.close())

test('[BOARD-30] a lost Redis message is made good within 5 s without a further edit', async () => {
  const projectId = await projectOf(world, ann)
  // It shares the database but not Redis: all its messages are lost.
  const apart = await world.addInstance({ redisUrl: undefined })
  const clients = [0, 1, apart].map((instance) => openBoard(world, projectId, ann, instance))
  const [one, two, three] = clients as [(typeof clients)[0], (typeof clients)[0], (typeof clients)[0]]
  await Promise.all(clients.map((client) => client.synced()))
  addCard(three.doc, 'unheard')
  await world.until(() => 'unheard' in one.cards() && 'unheard' in two.cards(), 5_000)
  addCard(one.doc, 'to the lone one')
  await world.until(() => 'to the lone one' in three.cards(), 5_000)
  three.close()
  await apart.close()
  await world.redis!.kill()
  try {
    addCard(one.doc, 'without Redis')
    await world.until(() => 'without Redis' in two.cards(), 5_000)
  } finally {
    await world.redis!.start()
  }
  await world.until(async () => (await world.ask('GET', '/readyz')).status === 200, 10_000)
  addCard(two.doc, 'with Redis')
  await world.until(() => 'with Redis' in one.cards())
  expect(Y.encodeStateVector(one.doc)).toEqual(Y.encodeStateVector(two.doc))
})

test(
  '[BOARD-31] what another client has seen survives SIGKILL of all instances right after',
  async () => {
    for (let round = 0; round < rounds(2); round++) {
      const projectId = await projectOf(world, ann)
      const instances = await Promise.all([world.spawnInstance(), world.spawnInstance()])
      const [one, two] = instances.map((instance) => openBoard(world, projectId, ann, instance))
      await Promise.all([one!.synced(), two!.synced()])
      for (let index = 0; index < 30; index++) addCard(one!.doc, `card ${index}`)
      await world.until(() => 'card 0' in two!.cards())
      const seen = Object.keys(two!.cards())
      for (const { process } of instances) process!.kill('SIGKILL')
      for (const client of [one!, two!]) client.close()
      const fresh = openBoard(world, projectId, ann, 0)
      await fresh.synced()
      expect(Object.keys(fresh.cards())).toEqual(expect.arrayContaining(seen))
      fresh.close()
    }
  },
  rounds(2) * 45_000,
)

test(
  '[BOARD-39] random edits of four clients on two instances converge, whatever is cut, lost and killed meanwhile',
  async () => {
    const [first, second] = [await world.spawnInstance(), world.instances[0]!]
    try {
      for (let seed = 1; seed <= seeds(2); seed++) {
        const projectId = await projectOf(world, ann)
        const clients = [first, second, second, first].map((instance) => openBoard(world, projectId, ann, instance))
        await Promise.all(clients.map((client) => client.synced()))
        const random = createRandom(seed)
        for (let operation = 0; operation < 200; operation++) {
          const { doc, provider } = random.pick(clients)
          doc.transact(() => editAtRandom(doc, random, `${seed}/${operation}`))
          const fault = random.int(0, 199)
          if (fault < 4) (provider.ws as unknown as WebSocket | null)?.terminate()
          else if (fault === 4) await world.redis!.kill().then(() => world.redis!.start())
          else if (fault < 30) await new Promise((done) => setTimeout(done, random.int(0, 20)))
        }
        const vectors = () => clients.map(({ doc }) => Buffer.from(Y.encodeStateVector(doc)).toString('hex'))
        const isOne = () => clients.every((client) => isDeepStrictEqual(client.cards(), clients[0]!.cards()))
        await world.until(
          () => clients.every(({ provider }) => provider.synced) && new Set(vectors()).size === 1,
          90_000,
        )
        await world.until(isOne, 90_000)
        expect((await contentOf(world, projectId)).cards).toEqual(clients[0]!.cards())
        for (const client of clients) client.close()
      }
    } finally {
      first.process!.kill('SIGKILL')
    }
  },
  seeds(2) * 60_000,
)

test('[BOARD-32] a log of 25,000 updates compacts in a worker, to the same document, with the event loop free', async () => {
  const projectId = await projectOf(world, ann)
  const doc = new Y.Doc()
  await boardsOf(world).read(projectId, () => 0)
  Y.applyUpdate(doc, await boardsOf(world).snapshot(projectId))
  const rows: object[] = []
  doc.on('update', (update: Uint8Array) => {
    const length = update.length < 128 ? [update.length] : [(update.length & 127) | 128, update.length >> 7]
    const data = Buffer.concat([Buffer.from(length), update])
    rows.push({
      _id: `u${String(rows.length).padStart(6, '0')}-${projectId}`,
      projectId,
      at: new Timestamp({ t: 1, i: rows.length }),
      data,
    })
  })
  const words = doc.getText('words')
  for (let index = 0; index < 24_000; index++) words.insert(Math.floor((index * 7919) % (index + 1)), 'abc'[index % 3]!)
  for (let index = 0; index < 1_000; index++) addCard(doc, `card ${index}`)
  expect(rows).toHaveLength(25_000)
  await world.database.collection<any>('boardupdates').insertMany(rows as any[])
  // Its thread starts outside of what is measured.
  await boardsOf(world).compact(await projectOf(world, ann), 0)
  const lag = monitorEventLoopDelay({ resolution: 2 })
  lag.enable()
  const began = performance.now()
  expect(await boardsOf(world).compact(projectId, 0)).toBe(25_001)
  const tookMs = performance.now() - began
  lag.disable()
  console.log(
    `25,000 updates compacted in ${tookMs.toFixed(0)} ms, event loop at most ${(lag.max / 1e6).toFixed(0)} ms late`,
  )
  expect(tookMs).toBeLessThan(20_000)
  expect(await world.database.collection<any>('boardupdates').countDocuments({ projectId })).toBe(0)
  const fresh = openBoard(world, projectId, ann, 1)
  await fresh.synced()
  expect(Y.encodeStateVector(fresh.doc)).toEqual(Y.encodeStateVector(doc))
  expect(fresh.doc.getText('words').toString()).toBe(words.toString())
  expect(fresh.cards()).toEqual(doc.getMap('cards').toJSON())
})

test('[BOARD-33] a load that races compactions and writers has all that was stored before it', async () => {
  const projectId = await projectOf(world, ann)
  let written = 0
  let done = false
  const writer = (async () => {
    while (!done) {
      const next = written
      await boardsOf(world, next % 2).transact(projectId, { userId: ann.id }, (doc) => addCard(doc, `card ${next}`))
      written = next + 1
    }
  })()
  let compacted = 0
  const compactor = (async () => {
    while (!done) compacted += await boardsOf(world, 1).compact(projectId, 0)
  })()
  try {
    for (let round = 0; round < 60; round++) {
      const least = written
      const { cards } = await contentOf(world, projectId)
      for (let index = 0; index < least; index++) expect(cards).toHaveProperty(`card ${index}`)
    }
  } finally {
    done = true
    await Promise.all([writer, compactor])
  }
  expect(compacted).toBeGreaterThan(0)
  for (const instance of [0, 1]) {
    const client = openBoard(world, projectId, ann, instance)
    await client.synced()
    await world.until(() => Object.keys(client.cards()).length === written)
  }
})

test('[BOARD-34] a board that nobody uses is closed, and is the same when it is opened again', async () => {
  const projectId = await projectOf(world, ann)
  const one = openBoard(world, projectId, ann)
  await one.synced()
  for (let index = 0; index < 50; index++) addCard(one.doc, `card ${index}`)
  await world.until(async () => Object.keys((await contentOf(world, projectId)).cards).length === 50)
  const { cards } = await contentOf(world, projectId)
  one.close()
  await world.until(() => boardsOf(world).stats().open === 0)
  const again = openBoard(world, projectId, ann)
  await again.synced()
  expect(again.cards()).toEqual(cards)
})

test('[BOARD-35] more than a board may hold is refused with 4413; what deletes still lands', async () => {
  const projectId = await projectOf(world, ann)
  const small = await world.addInstance({ maxBoardBytes: 100_000 })
  const index = world.instances.indexOf(small)
  const one = openBoard(world, projectId, ann, small)
  const two = openBoard(world, projectId, ann, small)
  await Promise.all([one.synced(), two.synced()])
  for (let card = 0; card < 9; card++) addCard(one.doc, `card ${card}`, 'x'.repeat(10_000))
  await world.until(() => Object.keys(two.cards()).length === 9)
  const full = await world.ask('GET', '/healthz').then(() => boardsOf(world, index).snapshot(projectId))
  addCard(one.doc, 'too much', 'x'.repeat(10_000))
  await world.until(() => one.closedBy() === 4413)
  expect(await boardsOf(world, index).snapshot(projectId)).toEqual(full)
  two.doc.getMap('cards').delete('card 3')
  await world.until(async () => !('card 3' in (await contentOf(world, projectId)).cards))
  addCard(two.doc, 'fits again', 'x'.repeat(9_000))
  await world.until(async () => 'fits again' in (await contentOf(world, projectId)).cards)
  const raw = await openRaw(world, projectId, ann, index)
  raw.ws.send(Buffer.alloc(300_000))
  await world.until(() => raw.code() === 4413)
  expect(two.closedBy()).toBeUndefined()
  await small.close()
})

test('[BOARD-36] an instance that drains stores what it has read, and sends clients elsewhere with 4503', async () => {
  const projectId = await projectOf(world, ann)
  const third = await world.addInstance()
  const one = openBoard(world, projectId, ann, third)
  const witness = openBoard(world, projectId, ann, 0)
  await Promise.all([one.synced(), witness.synced()])
  const codes: number[] = []
  one.provider.on('connection-close', (event: any) => {
    if (event) codes.push(event.code)
  })
  for (let index = 0; index < 100; index++) addCard(one.doc, `card ${index}`)
  await world.until(() => 'card 0' in witness.cards())
  await third.close()
  await world.until(() => codes.includes(4503))
  expect(one.closedBy()).toBeUndefined()
  const stored = (await contentOf(world, projectId)).cards
  await world.until(() => Object.keys(witness.cards()).length >= Object.keys(stored).length)
  expect(witness.cards()).toEqual(stored)
  // Somewhere else it brings what was not taken any more.
  const elsewhere = openBoard(world, projectId, ann, 1, { doc: one.doc })
  await elsewhere.synced()
  await world.until(() => Object.keys(witness.cards()).length === 100)
})

test('[BOARD-37] who does not read is cut off, and harms nobody', async () => {
  const projectId = await projectOf(world, ann)
  const slow = await openRaw(world, projectId, ann)
  const witness = openBoard(world, projectId, ann, 1)
  await witness.synced()
  slow.ws.pause()
  const began = Date.now()
  for (let round = 0; slow.ws.readyState === slow.ws.OPEN && Date.now() - began < 15_000; round++) {
    await boardsOf(world).transact(projectId, { userId: ann.id }, (doc) =>
      doc.getMap('notes').set('n', `${round}`.repeat(400_000)),
    )
    if (boardsOf(world).stats().connections === 0) break
  }
  expect(boardsOf(world).stats().connections).toBe(0)
  slow.ws.terminate()
  addCard(witness.doc, 'still here')
  await world.until(async () => 'still here' in (await contentOf(world, projectId)).cards)
})

test('[BOARD-38] while MongoDB is away nothing is passed on that is not stored; when it is back, all is', async () => {
  const mongod = await startMongod({ own: true })
  const apart = await createWorld({ config: { mongodbUri: mongod.uri('boards_away') } })
  let frozen = false
  const thaw = () => {
    if (frozen) process.kill(mongod.pid()!, 'SIGCONT')
    frozen = false
  }
  try {
    const owner = await apart.user()
    const { body } = await apart.ask('POST', '/api/v1/projects', { as: owner, body: { title: 'Away' } })
    const one = openBoard(apart, body.id, owner)
    const two = openBoard(apart, body.id, owner)
    await Promise.all([one.synced(), two.synced()])
    addCard(one.doc, 'before')
    await apart.until(() => 'before' in two.cards())
    frozen = true
    await freeze(mongod.pid()!)
    addCard(one.doc, 'not stored')
    await new Promise((done) => setTimeout(done, 1_500))
    expect(Object.keys(two.cards())).toEqual(['before'])
    // Awareness needs no database.
    one.provider.awareness.setLocalState({ cursor: 1 })
    await apart.until(() => two.provider.awareness.getStates().get(one.doc.clientID)?.['cursor'] === 1)
    thaw()
    await apart.until(() => 'not stored' in two.cards())
  } finally {
    thaw()
    closeClients()
    await apart.close()
    await mongod.stop()
  }
})
