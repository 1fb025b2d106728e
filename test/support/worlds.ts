import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { TestSocket } from './socket.ts'
import { createWorld, type Person, type World, type WorldOptions } from './world.ts'

/** Runs tests with one instance alone, and with two that share a Redis. */
export function eachWorld(body: (world: () => World) => void, options: WorldOptions = {}): void {
  for (const instances of [1, 2]) {
    describe(instances === 1 ? 'one instance' : 'two instances', () => {
      let world: World
      beforeAll(async () => {
        world = await createWorld({ ...options, instances })
      })
      afterAll(() => world?.close())
      body(() => world)
    })
  }
}

let used = 0
/** A clientId or name that was not used before. */
export const fresh = (prefix = 'c') => `${prefix}-${++used}`

export interface Cast {
  people: Person[]
  sockets: TestSocket[]
}

/** People with a socket each, spread over the instances. */
export async function cast(world: World, ...names: string[]): Promise<Cast> {
  const people = await world.users(...names)
  const sockets = await Promise.all(people.map((person, index) => world.connect(person, index)))
  return { people, sockets }
}

/** A room of the first person's with the others as members; all know of it. */
export async function roomOf(sockets: TestSocket[], input: object = {}): Promise<any> {
  const [owner, ...others] = sockets
  const room = await owner!.emit('room:create', {
    name: fresh('Room'),
    memberIds: others.map((socket) => socket.userId),
    ...input,
  })
  await Promise.all(sockets.map((socket) => socket.next('room:joined', (joined) => joined.id === room.id)))
  return room
}

/** Sends a text to a room. */
export const say = (socket: TestSocket, room: { id: string }, content = fresh('text'), more: object = {}) =>
  socket.emit('room:send', { roomId: room.id, clientId: fresh(), content, ...more })

/** Sends a text to a person. */
export const tell = (socket: TestSocket, to: { id: string }, content = fresh('text'), more: object = {}) =>
  socket.emit('dm:send', { userId: to.id, clientId: fresh(), content, ...more })

/**
 * What a socket saw of a log is in order, each once, with nothing missing: each change names the one before as its
 * `prevRev`, and revs go up. Who left a room and is in it again goes on where the room was then. `dense`: by one each.
 */
export function expectOrdered(socket: TestSocket, log: { roomId: string } | { userId: string }, dense = true): void {
  const changes = new Set(socket.changes(log))
  let last: number | null = null
  for (const each of socket.received) {
    const { event, payload } = each
    if (event === 'room:joined' && 'roomId' in log && payload.id === log.roomId && last !== null) {
      expect(payload.rev).toBeGreaterThan(last)
      last = payload.rev
    }
    if (!changes.has(each)) continue
    if (last !== null) {
      expect(payload.prevRev).toBe(last)
      if (dense) expect(payload.rev).toBe(last + 1)
      else expect(payload.rev).toBeGreaterThan(last)
    }
    last = payload.rev
  }
}

/** Long enough for what should not come to have come over Redis. */
export const settle = (ms = 300) => new Promise<void>((done) => setTimeout(done, ms))
