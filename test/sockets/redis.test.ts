import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestSocket } from '../support/socket.ts'
import { createWorld, type World } from '../support/world.ts'
import { cast, expectOrdered, roomOf, say, settle, tell } from '../support/worlds.ts'

/** Instances compare with MongoDB every 3 s; the rest is for a machine that is busy. */
const recoveryMs = 15_000

let world: World
beforeAll(async () => {
  world = await createWorld({ instances: 2, redis: 'own' })
})
afterAll(() => world?.close())

async function talk(sockets: TestSocket[], room: { id: string }, count: number) {
  const acks = await Promise.all(
    Array.from({ length: count }, (_, index) => say(sockets[index % sockets.length]!, room, `${index}`)),
  )
  return Math.max(...acks.map(({ rev }) => rev))
}

test('[SOCK-30] without Redis all still arrives on all instances, in order, once; with it back, at once', async () => {
  const { people, sockets } = await cast(world, 'Ann', 'Ben')
  const [ann, ben] = sockets as [TestSocket, TestSocket]
  const room = await roomOf(sockets)
  await talk(sockets, room, 10)
  await world.redis!.kill()
  const { status, body } = await world.ask('GET', '/readyz')
  expect([status, body.reasons]).toEqual([503, ['Redis is out of reach']])
  const head = await talk(sockets, room, 40)
  // A room, a conversation and a member that are new to the other instance.
  const made = await ann.emit('room:create', { name: 'Made without Redis', memberIds: [ben.userId] })
  const first = await tell(ann, people[1]!)
  const cleo = await world.connect(await world.user('Cleo'), 1)
  await ann.emit('room:invite', { roomId: room.id, userIds: [cleo.userId] })
  for (const socket of sockets) {
    await socket.reach({ roomId: room.id }, head, recoveryMs)
    expectOrdered(socket, { roomId: room.id }, false)
  }
  await ben.next('room:joined', ({ id }) => id === made.id, recoveryMs)
  await cleo.next('room:joined', ({ id }) => id === room.id, recoveryMs)
  expect((await ben.next('dm:message', undefined, recoveryMs)).id).toBe(first.id)
  await ann.emit('room:remove', { roomId: room.id, userId: cleo.userId })
  await cleo.next('room:left', undefined, recoveryMs)

  await world.redis!.start()
  await world.until(async () => (await world.ask('GET', '/readyz', { instance: 1 })).status === 200)
  await world.until(async () => (await world.ask('GET', '/readyz')).status === 200)
  const last = await talk(sockets, room, 10)
  for (const socket of sockets) {
    await socket.reach({ roomId: room.id }, last)
    expectOrdered(socket, { roomId: room.id }, false)
  }
  await settle(500)
  for (const socket of sockets) {
    const ids = socket.of('room:message', ({ chatRoomId }) => chatRoomId === room.id).map(({ id }) => id)
    expect(ids).toHaveLength(60)
    expect(new Set(ids).size).toBe(60)
    expect(socket.of('dm:message')).toHaveLength(1)
  }
  expect(cleo.of('room:message')).toEqual([])
})

test('[SOCK-31] a Redis that hangs holds up no ack, and what it held back is told once', async () => {
  const { sockets } = await cast(world, 'Ann', 'Ben')
  const room = await roomOf(sockets)
  await talk(sockets, room, 4)
  await world.redis!.freeze()
  let head: number
  try {
    const began = performance.now()
    head = await talk(sockets, room, 20)
    expect(performance.now() - began).toBeLessThan(10_000)
    for (const socket of sockets) await socket.reach({ roomId: room.id }, head, recoveryMs)
  } finally {
    world.redis!.thaw()
  }
  await settle(300)
  head = await talk(sockets, room, 4)
  for (const socket of sockets) {
    await socket.reach({ roomId: room.id }, head, recoveryMs)
    expect(socket.of('room:message')).toHaveLength(28)
    expectOrdered(socket, { roomId: room.id }, false)
  }
})

test('[SOCK-32] a session revoked while Redis is away ends within 1 s on the other instance too', async () => {
  const person = await world.user()
  const sockets = [await world.connect(person, 0), await world.connect(person, 1)]
  await world.redis!.kill()
  try {
    const lag = monitorEventLoopDelay({ resolution: 5 })
    lag.enable()
    const began = performance.now()
    expect((await world.ask('POST', '/api/v1/auth/logout', { as: person })).status).toBe(204)
    await world.until(() => sockets.every((socket) => socket.closedBy()))
    const took = performance.now() - began
    lag.disable()
    expect(took - lag.max / 1e6).toBeLessThan(1_000)
    for (const socket of sockets) expect(socket.of('session:revoked')).toHaveLength(1)
    expect((await world.ask('GET', '/api/v1/me', { as: person, instance: 1 })).status).toBe(401)
  } finally {
    await world.redis!.start()
  }
})
