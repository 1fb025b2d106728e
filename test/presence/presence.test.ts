import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestSocket, until } from '../support/socket.ts'
import { createWorld, type Person, type World } from '../support/world.ts'

const idOf = (number: number) => `01J${String(number).padStart(23, '0')}`

/** The statuses told of a user, in order. */
const told = (socket: TestSocket, userId: string) =>
  socket.of('presence', (payload) => payload.userId === userId).map((payload) => payload.status)

describe('presence', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld({ instances: 2 })
  })
  afterAll(() => world.close())

  /** A watcher at the second instance, once it sees the status. */
  async function see(watcher: TestSocket, userId: string, status: string) {
    await until(
      async () => (await watcher.emit('presence:watch', { userIds: [userId] }))[0].status === status,
      undefined,
      `${userId} is ${status}`,
    )
  }

  it('[PRES-01] is one over two devices on two instances, and offline within 5 s of the last disconnect', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const watcher = await world.connect(bob!, 1)
    const [before] = await watcher.emit('presence:watch', { userIds: [ann!.id] })
    expect(before).toEqual({ userId: ann!.id, status: 'offline', text: '', lastActiveAt: null })
    const first = await world.connect(ann!, 0)
    const { lastActiveAt } = await watcher.next('presence', (payload) => payload.status === 'online')
    expect(Date.now() - Date.parse(lastActiveAt)).toBeLessThan(10_000)
    const second = await world.connect(ann!, 1)
    await sleep(500)
    first.close()
    await sleep(4_500)
    expect(told(watcher, ann!.id)).toEqual(['online'])
    const gone = performance.now()
    second.close()
    await watcher.next('presence', (payload) => payload.status === 'offline')
    expect(performance.now() - gone).toBeGreaterThan(1_500)
    expect(performance.now() - gone).toBeLessThan(5_000)
    expect(told(watcher, ann!.id)).toEqual(['online', 'offline'])
  })

  it('[PRES-02] tells what a user chose, with a text, on all instances, and keeps it for the next time', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const device = await world.connect(ann!, 0)
    const watcher = await world.connect(bob!, 1)
    await watcher.emit('presence:watch', { userIds: [ann!.id] })
    const set = await device.emit('presence:set', { status: 'dnd', text: 'mixing $5' })
    expect(set).toMatchObject({ userId: ann!.id, status: 'dnd', text: 'mixing $5' })
    expect(await watcher.next('presence', (payload) => payload.status === 'dnd')).toMatchObject({ text: 'mixing $5' })
    await device.emit('presence:set', { status: 'away' })
    expect(await watcher.next('presence', (payload) => payload.status === 'away')).toMatchObject({ text: 'mixing $5' })
    device.close()
    expect(await watcher.next('presence', (payload) => payload.status === 'offline')).toMatchObject({ text: '' })
    await world.connect(ann!, 1)
    await until(() => told(watcher, ann!.id).at(-1) === 'away')
  })

  it('[PRES-03] shows an invisible user as offline to all but the user, and tells nothing of comings and goings', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const device = await world.connect(ann!, 0)
    const watcher = await world.connect(bob!, 1)
    await see(watcher, ann!.id, 'online')
    await device.emit('presence:watch', { userIds: [ann!.id] })
    await device.emit('presence:set', { status: 'invisible', text: 'hush' })
    expect(await watcher.next('presence', (payload) => payload.status === 'offline')).toMatchObject({ text: '' })
    await device.next('presence', (payload) => payload.status === 'invisible' && payload.text === 'hush')
    const [asSeen] = await watcher.emit('presence:watch', { userIds: [ann!.id] })
    const told = watcher.of('presence').length
    device.close()
    await sleep(4_300)
    const again = await world.connect(ann!, 1)
    await until(async () => (await again.emit('presence:watch', { userIds: [ann!.id] }))[0].status === 'invisible')
    expect(await watcher.emit('presence:watch', { userIds: [ann!.id] })).toEqual([asSeen])
    expect(watcher.of('presence').length).toBe(told)
  })

  it('[PRES-04] seems offline to those whom the user has blocked, from the block until its end', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const device = await world.connect(ann!, 0)
    const watcher = await world.connect(bob!, 1)
    await see(watcher, ann!.id, 'online')
    await world.ask('PUT', `/api/v1/blocks/${bob!.id}`, { as: ann! })
    expect(await watcher.next('presence', (payload) => payload.status === 'offline')).toEqual({
      userId: ann!.id,
      status: 'offline',
      text: '',
      lastActiveAt: null,
    })
    await device.emit('presence:set', { status: 'dnd' })
    await sleep(300)
    expect(told(watcher, ann!.id).at(-1)).toBe('offline')
    expect((await watcher.emit('presence:watch', { userIds: [ann!.id] }))[0].status).toBe('offline')
    await world.ask('DELETE', `/api/v1/blocks/${bob!.id}`, { as: ann! })
    await watcher.next('presence', (payload) => payload.status === 'dnd')
  })

  it('[PRES-05] lets a connection watch 1,000 users in all, and refuses more with the bound', async () => {
    const [ann] = await world.users('Ann')
    const socket = await world.connect(ann!)
    const ids = Array.from({ length: 1_001 }, (_, index) => idOf(index + 1))
    expect(new Set(ids).size).toBe(1_001)
    expect(await socket.emit('presence:watch', { userIds: ids.slice(0, 1_000) })).toHaveLength(1_000)
    await expect(socket.emit('presence:watch', { userIds: ids.slice(1_000) })).rejects.toThrow(/invalid: .*1000/)
    expect(await socket.codeOf('presence:watch', { userIds: ids })).toBe('invalid')
    await socket.emit('presence:unwatch', { userIds: ids.slice(0, 1) })
    expect(await socket.emit('presence:watch', { userIds: [ids[1_000], ids[1_000]] })).toHaveLength(1)
  })

  it('[PRES-06] tells nothing of users who are watched no more', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const device = await world.connect(ann!, 0)
    const [watcher, other] = [await world.connect(bob!, 1), await world.connect(bob!, 1)]
    await see(watcher, ann!.id, 'online')
    await see(other, ann!.id, 'online')
    await watcher.emit('presence:unwatch', { userIds: [ann!.id] })
    await device.emit('presence:set', { status: 'away' })
    await other.next('presence', (payload) => payload.status === 'away')
    expect(told(watcher, ann!.id)).not.toContain('away')
  })

  it('[PRES-07] is for bots with the scope presence:read', async () => {
    const ann = await world.user('Ann')
    const allowed = await world.connect(await world.bot(ann, ['presence:read']))
    const refused = await world.connect(await world.bot(ann, ['rooms:read']))
    expect(await allowed.codeOf('presence:watch', { userIds: [ann.id] })).toBe('ok')
    expect(await allowed.codeOf('presence:set', { status: 'away' })).toBe('ok')
    expect(await refused.codeOf('presence:watch', { userIds: [ann.id] })).toBe('forbidden')
  })

  it('[PRES-08] 300 users who reconnect at once are not told of, and cost no write', async () => {
    // Clients and servers share one process here: where they take longer than the grace, they get more of it.
    for (const grace of [10_000, 30_000, 90_000]) if (await reconnectsWithin(grace)) return
    throw new Error('this machine does not reconnect 300 users in time')
  }, 400_000)

  /** Whether 300 users came back within the grace; where they did, nobody was told. */
  async function reconnectsWithin(grace: number): Promise<boolean> {
    // Nor is activity noted, nor an instance taken for dead that was busy.
    const crowd = await createWorld({ instances: 2, presence: { grace, activity: 600_000, dead: 300_000 } })
    try {
      const people: Person[] = []
      for (let index = 0; index < 30; index++) people.push(...(await crowd.users(...Array(10).fill('Crowd'))))
      const watcher = await crowd.connect(await crowd.user('Watcher'), 1)
      const coming = performance.now()
      let sockets = await Promise.all(people.map((person) => crowd.connect(person, 0)))
      const userIds = people.map((person) => person.id)
      const watch = (): Promise<{ status: string }[]> => watcher.emit('presence:watch', { userIds })
      await until(async () => (await watch()).every((state) => state.status === 'online'), 60_000)
      await sleep(500)
      const { presence } = crowd.instances[0]!.app!.services
      const before = presence.stats()
      const already = watcher.of('presence').length
      // They came with few writes to the database, each of many users: at most one in 200 ms.
      const mostFlushes = (since: number) => Math.max(60, (performance.now() - since) / 200)
      expect(before.writes).toBe(300)
      expect(before.flushes).toBeLessThan(mostFlushes(coming))
      const away = performance.now()
      for (const socket of sockets) socket.close()
      sockets = await Promise.all(people.map((person) => crowd.connect(person, 0)))
      // The server may have known a little later than we that they were back.
      if (performance.now() - away > grace - 1_000) return false
      await sleep(grace - (performance.now() - away) + 1_500)
      expect(watcher.of('presence').length).toBe(already)
      expect(presence.stats()).toMatchObject({ writes: before.writes, flushes: before.flushes })
      expect((await watch()).every((state) => state.status === 'online')).toBe(true)
      const going = performance.now()
      for (const socket of sockets) socket.close()
      const gone = () => watcher.of('presence', (state) => state.status === 'offline').length === 300
      await until(gone, grace + 60_000)
      expect(presence.stats().flushes - before.flushes).toBeLessThan(mostFlushes(going))
      return true
    } finally {
      await crowd.close()
    }
  }

  it('[PRES-09] notes activity at most once a minute, and never that of the invisible', async () => {
    const short = await createWorld({ presence: { activity: 400 } })
    try {
      const [ann, bob] = await short.users('Ann', 'Bob')
      const device = await short.connect(ann!)
      const watcher = await short.connect(bob!)
      const { presence } = short.instances[0]!.app!.services
      const lastActive = async () => (await watcher.emit('presence:watch', { userIds: [ann!.id] }))[0].lastActiveAt
      const act = () => device.emit('presence:unwatch', { userIds: [] })
      await device.emit('presence:set', { status: 'online' })
      await sleep(450)
      const began = performance.now()
      const before = { at: await lastActive(), writes: presence.stats().writes }
      await Promise.all(Array.from({ length: 50 }, act))
      await until(async () => (await lastActive()) > before.at)
      // Ann's, and those of Bob, who asks all the time: of each one in 400 ms, mostly one in all.
      const most = 2 * Math.ceil((performance.now() - began) / 400)
      expect(presence.stats().writes - before.writes).toBeLessThanOrEqual(most)
      await device.emit('presence:set', { status: 'invisible' })
      const hidden = await lastActive()
      await sleep(450)
      await act()
      await sleep(400)
      expect(await lastActive()).toBe(hidden)
    } finally {
      await short.close()
    }
  })
})

describe('presence without Redis', () => {
  it('[PRES-10] instances that share only the database tell each other all the same', async () => {
    const world = await createWorld({ instances: 2, redis: false })
    try {
      const [ann, bob] = await world.users('Ann', 'Bob')
      const watcher = await world.connect(bob!, 1)
      await watcher.emit('presence:watch', { userIds: [ann!.id] })
      const device = await world.connect(ann!, 0)
      await watcher.next('presence', (payload) => payload.status === 'online')
      device.close()
      await watcher.next('presence', (payload) => payload.status === 'offline')
    } finally {
      await world.close()
    }
  })
})

describe('presence and processes that die', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld({ redis: true })
  })
  afterAll(() => world.close())

  it('[PRES-12] a draining instance takes its users off at once', async () => {
    // Long before the grace of others ends, after which they would be off anyway.
    const grace = 60_000
    const draining = await createWorld({ redis: true, presence: { grace } })
    try {
      const [ann, bob] = await draining.users('Ann', 'Bob')
      const leaving = await draining.addInstance()
      const watcher = await draining.connect(bob!, 0)
      await draining.connect(ann!, leaving)
      await until(async () => (await watcher.emit('presence:watch', { userIds: [ann!.id] }))[0].status === 'online')
      const closing = performance.now()
      void leaving.close()
      await watcher.next('presence', (payload) => payload.status === 'offline')
      expect(performance.now() - closing).toBeLessThan(grace / 4)
    } finally {
      await draining.close()
    }
  })

  // Two that wait most of their time wait together.
  it.concurrent('[PRES-11] is offline within 30 s when the instance that held the last device was killed', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const doomed = await world.spawnInstance()
    const watcher = await world.connect(bob!, 0)
    await world.connect(ann!, doomed)
    await watcher.emit('presence:watch', { userIds: [ann!.id] })
    await until(async () => (await watcher.emit('presence:watch', { userIds: [ann!.id] }))[0].status === 'online')
    const killed = performance.now()
    await doomed.close()
    await watcher.next('presence', (payload) => payload.status === 'offline', 60_000)
    expect(performance.now() - killed).toBeLessThan(30_000)
  })

  it.concurrent('[PRES-13] an instance that was stopped and taken for dead brings its users back', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const stopped = await world.spawnInstance()
    const watcher = await world.connect(bob!, 0)
    const device = await world.connect(ann!, stopped)
    await until(async () => (await watcher.emit('presence:watch', { userIds: [ann!.id] }))[0].status === 'online')
    stopped.process!.kill('SIGSTOP')
    try {
      await watcher.next('presence', (payload) => payload.status === 'offline', 60_000)
    } finally {
      stopped.process!.kill('SIGCONT')
    }
    await until(() => told(watcher, ann!.id).at(-1) === 'online')
    expect(device.closedBy()).toBeUndefined()
    const ended = once(stopped.process!, 'exit')
    stopped.process!.kill('SIGTERM')
    await ended
    await until(() => told(watcher, ann!.id).at(-1) === 'offline')
  })
})
