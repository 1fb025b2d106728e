import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/kernel/ids.ts'
import { type TestSocket, until } from '../support/socket.ts'
import { createWorld, type Person, type World } from '../support/world.ts'

/** Longer than a burst is collected and looked at. */
const settleMs = 2_000

/** Less than a burst is collected, in milliseconds. */
const atOnceMs = 700

let sent = 0
const send = (socket: TestSocket, roomId: string, content = 'hello') =>
  socket.emit('room:send', { roomId, clientId: `c${++sent}`, content })
const sendTo = (socket: TestSocket, userId: string, content = 'hello') =>
  socket.emit('dm:send', { userId, clientId: `c${++sent}`, content })
const unreadOf = async (world: World, person: Person) =>
  (await world.ask('GET', '/api/v1/notifications?unread=true&limit=100', { as: person })).body.items as any[]

describe('notifications of messages', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld({ instances: 2 })
  })
  afterAll(() => world.close())

  const isLooking = () =>
    world.instances.some(({ app }) => {
      const { bursts, looking } = app!.services.bursts.stats()
      return bursts + looking > 0
    })
  const lookedAt = () => until(() => !isLooking(), 60_000, 'all bursts are looked at')

  /**
   * How many are told of messages that are sent and read in less time than a burst is collected. A machine that was
   * too slow for it tries again; each try counts what is told of its own messages alone.
   */
  async function toldOf(act: () => Promise<string[]>, ...sockets: TestSocket[]): Promise<number> {
    for (let attempt = 0; attempt < 12; attempt++) {
      await lookedAt()
      const began = performance.now()
      const ids = await act()
      const took = performance.now() - began
      await lookedAt()
      await sleep(settleMs)
      if (took > atOnceMs) continue
      return sockets.reduce(
        (sum, socket) => sum + socket.of('notification', ({ payload }) => ids.includes(payload.messageId)).length,
        0,
      )
    }
    throw new Error('this machine does not read in time')
  }

  /** A room of the first person's with the others in it, each at an instance of their own. */
  async function roomOf(...names: string[]) {
    const people = await world.users(...names)
    const sockets = await Promise.all(people.map((person, index) => world.connect(person, index)))
    const room = await sockets[0]!.emit('room:create', {
      name: 'Rehearsal',
      memberIds: people.slice(1).map((person) => person.id),
    })
    return { people, sockets, roomId: room.id as string }
  }

  it('[NOTE-01] a burst of messages makes one, for all members but the sender, live on every device', async () => {
    const { people, sockets, roomId } = await roomOf('Ann', 'Bob', 'Cy')
    const device = await world.connect(people[1]!, 0)
    const messages: any[] = []
    for (let index = 0; index < 20; index++) messages.push(await send(sockets[0]!, roomId))
    const first = await sockets[1]!.next('notification')
    expect(first).toMatchObject({ userId: people[1]!.id, type: 'NewMessage', isRead: false })
    expect(first.payload).toMatchObject({ actorId: people[0]!.id, roomId })
    expect(messages.map((message) => message.id)).toContain(first.payload.messageId)
    await send(sockets[0]!, roomId)
    await sleep(settleMs)
    for (const socket of [sockets[1]!, sockets[2]!, device]) expect(socket.of('notification')).toHaveLength(1)
    expect(sockets[0]!.of('notification')).toEqual([])
    expect(await unreadOf(world, people[1]!)).toEqual([first])
  })

  it('[NOTE-02] there is none for who reads along, on whichever device', async () => {
    const { people, sockets, roomId } = await roomOf('Ann', 'Bob')
    const reader = await world.connect(people[1]!, 0)
    const readAlong = async () => {
      const ids: string[] = []
      for (let index = 0; index < 5; index++) {
        const { id, seq } = await send(sockets[0]!, roomId)
        await reader.emit('room:read', { roomId, seq })
        ids.push(id)
      }
      return ids
    }
    expect(await toldOf(readAlong, sockets[1]!, reader)).toBe(0)
  })

  it('[NOTE-03] reading on reads the room’s notification on all devices, and the next burst makes another', async () => {
    const { people, sockets, roomId } = await roomOf('Ann', 'Bob')
    const device = await world.connect(people[1]!, 0)
    const { seq } = await send(sockets[0]!, roomId)
    const { id } = await sockets[1]!.next('notification')
    await sockets[1]!.emit('room:read', { roomId, seq })
    expect(await device.next('notification:read')).toEqual({ ids: [id], unread: 0 })
    expect(await unreadOf(world, people[1]!)).toEqual([])
    await send(sockets[0]!, roomId)
    await until(() => sockets[1]!.of('notification').length === 2)
  })

  it('[NOTE-04] each mention makes one, also in a muted room, where messages make none', async () => {
    const { people, sockets, roomId } = await roomOf('Ann', 'Bob Dee')
    const muted = await world.ask('PUT', '/api/v1/notifications/preferences', {
      as: people[1]!,
      body: { mutedRoomIds: [roomId] },
    })
    expect(muted.body.mutedRoomIds).toEqual([roomId])
    await send(sockets[0]!, roomId, 'not for Bob')
    await sleep(settleMs)
    expect(sockets[1]!.of('notification')).toEqual([])
    const one = await send(sockets[0]!, roomId, 'you there, @bob dee?')
    const two = await send(sockets[0]!, roomId, '@Bob Dee!')
    await until(() => sockets[1]!.of('notification').length === 2)
    await sleep(settleMs)
    const told = sockets[1]!.of('notification')
    expect(told.map(({ payload }) => [payload.mention, payload.messageId])).toEqual([
      [true, one.id],
      [true, two.id],
    ])
    await sockets[1]!.emit('room:read', { roomId, seq: one.seq })
    await until(async () => (await unreadOf(world, people[1]!)).length === 1)
    expect((await unreadOf(world, people[1]!))[0].payload.messageId).toBe(two.id)
  })

  it('[NOTE-05] a mention that an edit adds makes one, and saying it twice does not make two', async () => {
    const { sockets, roomId } = await roomOf('Ann', 'Bea')
    const message = await send(sockets[0]!, roomId, 'hello')
    await sockets[1]!.next('notification')
    await sockets[0]!.emit('room:edit', { messageId: message.id, content: 'hello @Bea' })
    await sockets[1]!.next('notification', ({ payload }) => payload.mention)
    await sockets[0]!.emit('room:edit', { messageId: message.id, content: 'hello' })
    await sockets[0]!.emit('room:edit', { messageId: message.id, content: 'hello again @Bea' })
    await sleep(5_000)
    expect(sockets[1]!.of('notification', ({ payload }) => payload.mention)).toHaveLength(1)
  })

  it('[NOTE-06] nobody is notified of their own messages, nor by people they block', async () => {
    const { people, sockets, roomId } = await roomOf('Ann', 'Bob', 'Cy')
    await world.ask('PUT', `/api/v1/blocks/${people[0]!.id}`, { as: people[2]! })
    await send(sockets[0]!, roomId, 'I, @Ann, say: @Cy')
    await sockets[1]!.next('notification')
    await sleep(settleMs)
    expect(sockets[0]!.of('notification')).toEqual([])
    expect(sockets[2]!.of('notification')).toEqual([])
    const { seq } = await send(sockets[1]!, roomId, 'and I say this')
    await send(sockets[0]!, roomId, 'last word')
    const note = await sockets[2]!.next('notification')
    expect(note.payload).toMatchObject({ actorId: people[1]!.id, seq })
  })

  it('[NOTE-07] a burst of direct messages makes one, read with the conversation', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const [one, other] = [await world.connect(ann!, 0), await world.connect(bob!, 1)]
    for (let index = 0; index < 5; index++) await sendTo(one, bob!.id)
    const note = await other.next('notification')
    expect(note.payload).toMatchObject({ actorId: ann!.id, userId: ann!.id })
    await sleep(settleMs)
    expect(other.of('notification')).toHaveLength(1)
    expect(one.of('notification')).toEqual([])
    await other.emit('dm:read', { userId: ann!.id, seq: 5 })
    expect(await other.next('notification:read')).toEqual({ ids: [note.id], unread: 0 })
    const readAtOnce = async () => {
      const { id, seq } = await sendTo(other, ann!.id)
      await one.emit('dm:read', { userId: bob!.id, seq })
      return [id]
    }
    expect(await toldOf(readAtOnce, one)).toBe(0)
  })

  it('[NOTE-08] ready tells the number of unread ones; reading some or all tells the other devices', async () => {
    const { people, sockets, roomId } = await roomOf('Ann', 'Bob')
    await send(sockets[0]!, roomId)
    await sendTo(sockets[0]!, people[1]!.id)
    await until(() => sockets[1]!.of('notification').length === 2)
    const device = await world.connect(people[1]!, 0)
    expect(device.ready.unreadNotifications).toBe(2)
    const [newest, oldest] = await unreadOf(world, people[1]!)
    expect(await device.emit('notification:read', { ids: [oldest.id, newId()] })).toEqual({ unread: 1 })
    expect(await sockets[1]!.next('notification:read')).toMatchObject({ unread: 1 })
    const read = await world.ask('POST', '/api/v1/notifications/read', { as: people[1]!, body: { all: true } })
    expect(read.body).toEqual({ unread: 0 })
    expect(await device.next('notification:read', (payload) => payload.all)).toEqual({ all: true, unread: 0 })
    expect(await unreadOf(world, people[1]!)).toEqual([])
    const page = await world.ask('GET', '/api/v1/notifications?limit=1', { as: people[1]! })
    expect(page.body.items).toMatchObject([{ id: newest.id, isRead: true }])
    const next = await world.ask('GET', `/api/v1/notifications?limit=1&cursor=${page.body.nextCursor}`, {
      as: people[1]!,
    })
    expect(next.body).toMatchObject({ items: [{ id: oldest.id }], nextCursor: null })
    for (const payload of [{}, { ids: ['x'] }, { all: false }, { ids: [], all: true }])
      expect(await device.codeOf('notification:read', payload)).toBe('invalid')
  })

  it('[NOTE-09] nobody reads or sees another’s notifications, and bots get none', async () => {
    const { people, sockets, roomId } = await roomOf('Ann', 'Bob')
    const bot = await world.bot(people[0]!, ['rooms:read', 'rooms:write'])
    await sockets[0]!.emit('room:invite', { roomId, userIds: [bot.id] })
    await send(sockets[0]!, roomId, 'to all')
    const { id } = await sockets[1]!.next('notification')
    await sockets[0]!.emit('notification:read', { ids: [id] })
    expect((await unreadOf(world, people[1]!)).map((note) => note.id)).toEqual([id])
    expect(await world.database.collection('notifications').countDocuments({ userId: bot.id as never })).toBe(0)
    expect((await world.ask('GET', '/api/v1/notifications', { as: bot })).status).toBe(403)
  })

  it('[NOTE-10] who wants none of a type gets none; who wants e-mail gets a mail', async () => {
    const { people, sockets, roomId } = await roomOf('Ann', 'Bob', 'Cy')
    const put = (person: Person, inApp: boolean, email: boolean) =>
      world.ask('PUT', '/api/v1/notifications/preferences', {
        as: person,
        body: { types: { NewMessage: { inApp, email } } },
      })
    expect((await put(people[1]!, false, false)).body.types).toMatchObject({
      NewMessage: { inApp: false, email: false },
      NewLike: { inApp: true, email: false },
    })
    await put(people[2]!, false, true)
    await send(sockets[0]!, roomId)
    const jobs = world.database.collection('jobs')
    await until(
      async () => (await world.database.collection('notifications').findOne({ userId: people[2]!.id })) !== null,
    )
    await until(async () => (await jobs.countDocuments({ kind: 'notification:mail' })) === 0)
    await sleep(500)
    expect([...sockets[1]!.of('notification'), ...sockets[2]!.of('notification')]).toEqual([])
    expect(await unreadOf(world, people[1]!)).toEqual([])
    expect(await unreadOf(world, people[2]!)).toEqual([])
    expect((await world.connect(people[2]!)).ready.unreadNotifications).toBe(0)
  })

  it('[NOTE-11] news that are told once for ever are, after reading and at the same time', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const socket = await world.connect(bob!, 1)
    const like = {
      userId: bob!.id,
      type: 'NewLike' as const,
      payload: { actorId: ann!.id, targetId: newId() },
      dedupeKey: 'like:1',
      once: true,
    }
    const [here, there] = world.instances.map((instance) => instance.app!.services.notifications)
    const told = await Promise.all([here!.notify([like]), there!.notify([like]), here!.notify([like])])
    expect(told.reduce((sum, count) => sum + count)).toBe(1)
    await socket.emit('notification:read', { all: true })
    expect(await there!.notify([like])).toBe(0)
    const again = { ...like, dedupeKey: 'like:2', once: false }
    expect([await here!.notify([again]), await there!.notify([again])]).toEqual([1, 0])
    await socket.emit('notification:read', { all: true })
    expect(await there!.notify([again])).toBe(1)
    expect(await here!.notify([{ ...again, dedupeKey: 'own', payload: { actorId: bob!.id } }])).toBe(0)
  })

  it('[NOTE-12] thousands of messages cost a few writes of jobs, and leave none behind', async () => {
    const { sockets, roomId } = await roomOf('Ann', 'Bob')
    const jobs = world.database.collection('jobs')
    const counted: number[] = []
    for (let wave = 0; wave < 10; wave++) {
      await Promise.all(Array.from({ length: 300 }, () => send(sockets[0]!, roomId)))
      counted.push(await jobs.countDocuments({ kind: 'notification:burst' }))
    }
    await sockets[1]!.next('notification')
    // The sends of ten waves have their jobs beside them all the time, and never more than a few.
    expect(Math.min(...counted)).toBeGreaterThanOrEqual(1)
    const most = Math.max(...counted)
    expect(most).toBeLessThanOrEqual(3)
    await until(async () => (await jobs.countDocuments({ kind: 'notification:burst' })) === 0)
    expect(sockets[1]!.of('notification')).toHaveLength(1)
  })
})

describe('notifications and processes that die', () => {
  it('[NOTE-13] an instance killed between ack and notification leaves that to another', async () => {
    const world = await createWorld({ redis: true })
    try {
      const [ann, bob] = await world.users('Ann', 'Bob')
      const reader = await world.connect(bob!, 0)
      const doomed = await world.spawnInstance()
      const writer = await world.connect(ann!, doomed)
      const room = await writer.emit('room:create', { name: 'Rehearsal', memberIds: [bob!.id] })
      const message = await send(writer, room.id, 'are you there, @Bob?')
      await sendTo(writer, bob!.id)
      doomed.process!.kill('SIGKILL')
      expect(reader.of('notification')).toEqual([])
      await until(() => reader.of('notification').length === 2, 60_000, 'both notifications come')
      const told = reader.of('notification').map(({ payload }) => payload)
      expect(told).toContainEqual(expect.objectContaining({ mention: true, roomId: room.id, messageId: message.id }))
      expect(told).toContainEqual(expect.objectContaining({ actorId: ann!.id, userId: ann!.id }))
      await until(async () => (await world.database.collection('jobs').countDocuments()) === 0)
      await sleep(3_000)
      expect(reader.of('notification')).toHaveLength(2)
    } finally {
      await world.close()
    }
  })
})
