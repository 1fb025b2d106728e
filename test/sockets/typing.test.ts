import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestSocket } from '../support/socket.ts'
import { createWorld, type World } from '../support/world.ts'
import { cast, roomOf, settle } from '../support/worlds.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ instances: 2 })
})
afterAll(() => world?.close())

// At once, as each waits for what ends by itself.
describe.concurrent('typing', () => {
  test('[CHAT-32] typing is told to the others once, and ends by itself after 6 s', async () => {
    const { sockets } = await cast(world, 'Ann', 'Ben')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    const room = await roomOf(sockets)
    await ann.emit('room:typing', { roomId: room.id, on: true })
    expect(await ben.next('room:typing')).toEqual({ roomId: room.id, userId: ann.userId, on: true })
    await settle(1_000)
    await ann.emit('room:typing', { roomId: room.id, on: true })
    const renewed = performance.now()
    await ben.next('room:typing', ({ on }) => !on, 15_000)
    expect(performance.now() - renewed).toBeGreaterThan(5_900)
    expect(ben.of('room:typing').map(({ on }) => on)).toEqual([true, false])
    await ann.emit('room:typing', { roomId: room.id, on: true })
    await ann.emit('room:typing', { roomId: room.id, on: false })
    await world.until(() => ben.of('room:typing').length === 4)
    expect(ben.of('room:typing').map(({ on }) => on)).toEqual([true, false, true, false])
  })

  test('[DM-10] typing is told to the other alone, and ends by itself', async () => {
    const { people, sockets } = await cast(world, 'Ann', 'Ben')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    await ann.emit('dm:typing', { userId: people[1]!.id, on: true })
    expect(await ben.next('dm:typing')).toEqual({ userId: ann.userId, on: true })
    const began = performance.now()
    await ben.next('dm:typing', ({ on }) => !on, 15_000)
    expect(performance.now() - began).toBeGreaterThan(5_500)
    expect(ann.of('dm:typing')).toEqual([])
  })
})
