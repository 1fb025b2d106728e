import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestSocket } from '../support/socket.ts'
import { makeAdmin } from '../support/staff.ts'
import { createWorld, type World } from '../support/world.ts'
import { cast, roomOf, settle } from '../support/worlds.ts'
import { track } from './tracks.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ instances: 2, redis: 'own' })
})
afterAll(() => world?.close())

/** A few seconds, on a machine that is busy. */
const fewSecondsMs = 15_000

const revs = (socket: TestSocket, roomId: string): number[] =>
  socket.of('listen:state', (state) => state.roomId === roomId).map(({ rev }) => rev)
const stateOf = (socket: TestSocket, roomId: string, where: (state: any) => boolean, ms?: number) =>
  socket.next('listen:state', (state) => state.roomId === roomId && where(state), ms)

/** Each state was told once, in order, the newest last. */
function expectRising(socket: TestSocket, roomId: string) {
  const told = revs(socket, roomId)
  expect(told).toEqual([...new Set(told)].sort((a, b) => a - b))
}

test('[LISTEN-01] a track started by one plays for all members, on every instance, and for nobody else', async () => {
  const { people, sockets } = await cast(world, 'Ann', 'Ben', 'Eve')
  const [ann, ben, eve] = sockets as [TestSocket, TestSocket, TestSocket]
  const room = await roomOf([ann, ben], { visibility: 'public' })
  const file = await track(world, people[0]!)
  const before = (await ben.emit('time:sync', { t0: 1 })).t1
  const state = await ann.emit('listen:start', { roomId: room.id, audioFileId: file.id, positionMs: 1_500 })
  expect(state).toEqual({
    roomId: room.id,
    audioFileId: file.id,
    playing: true,
    positionMs: 1_500,
    at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    by: ann.userId,
    rev: 1,
    startedBy: ann.userId,
    durationMs: 10_000,
  })
  // By one clock, whichever instance is asked.
  expect(Date.parse(state.at)).toBeGreaterThan(before - 100)
  expect(Date.parse(state.at)).toBeLessThan((await ben.emit('time:sync', { t0: 1 })).t2 + 100)
  for (const socket of [ann, ben]) expect(await stateOf(socket, room.id, ({ rev }) => rev === 1)).toEqual(state)
  expect(await ben.emit('listen:get', { roomId: room.id })).toEqual(state)

  expect(await eve.codeOf('listen:start', { roomId: room.id, audioFileId: file.id })).toBe('forbidden')
  expect(await eve.codeOf('listen:control', { roomId: room.id, action: 'pause' })).toBe('forbidden')
  expect(await eve.codeOf('listen:get', { roomId: room.id })).toBe('forbidden')
  await ann.emit('room:update', { roomId: room.id, visibility: 'private' })
  await world.until(async () => (await eve.codeOf('listen:get', { roomId: room.id })) === 'not_found')
  expect(await eve.codeOf('listen:start', { roomId: room.id, audioFileId: file.id })).toBe('not_found')
  expect(await eve.codeOf('listen:control', { roomId: room.id, action: 'stop' })).toBe('not_found')
  expect(eve.of('listen:state')).toEqual([])
})

test('[LISTEN-02] pause, play, seek and stop are for all, and say where the track is at which time', async () => {
  const { people, sockets } = await cast(world, 'Ann', 'Ben')
  const [ann, ben] = sockets as [TestSocket, TestSocket]
  const room = await roomOf(sockets)
  const file = await track(world, people[0]!)
  expect(await ben.emit('listen:get', { roomId: room.id })).toBeNull()
  expect(await ben.codeOf('listen:control', { roomId: room.id, action: 'play' })).toBe('conflict')
  const begun = await ann.emit('listen:start', { roomId: room.id, audioFileId: file.id })
  await settle(300)
  const paused = await ben.emit('listen:control', { roomId: room.id, action: 'pause' })
  expect(paused).toMatchObject({ playing: false, by: ben.userId, startedBy: ann.userId, rev: 2 })
  expect(Math.abs(paused.positionMs - (Date.parse(paused.at) - Date.parse(begun.at)))).toBeLessThan(15)
  // Again is no change.
  expect(await ann.emit('listen:control', { roomId: room.id, action: 'pause' })).toEqual(paused)
  const sought = await ann.emit('listen:control', { roomId: room.id, action: 'seek', positionMs: 4_000 })
  expect(sought).toMatchObject({ playing: false, positionMs: 4_000, rev: 3 })
  expect(await ann.codeOf('listen:control', { roomId: room.id, action: 'seek' })).toBe('invalid')
  expect(await ann.codeOf('listen:control', { roomId: room.id, action: 'seek', positionMs: -1 })).toBe('invalid')
  const played = await ben.emit('listen:control', { roomId: room.id, action: 'play' })
  expect(played).toMatchObject({ playing: true, positionMs: 4_000, rev: 4 })
  // Past the end is the end.
  const past = await ann.emit('listen:control', { roomId: room.id, action: 'pause', positionMs: 99_000 })
  expect(past).toMatchObject({ playing: false, positionMs: 10_000 })
  const stopped = await ben.emit('listen:control', { roomId: room.id, action: 'stop' })
  expect(stopped).toMatchObject({ audioFileId: null, playing: false, ended: 'stopped', by: ben.userId, rev: 6 })
  expect(await ann.emit('listen:control', { roomId: room.id, action: 'stop' })).toEqual(stopped)
  expect(await ann.codeOf('listen:control', { roomId: room.id, action: 'pause' })).toBe('conflict')
  for (const socket of sockets) {
    await stateOf(socket, room.id, ({ rev }) => rev === 6)
    expect(revs(socket, room.id)).toEqual([1, 2, 3, 4, 5, 6])
  }
})

test('[LISTEN-03] who joins, is let in or comes back lands in place, and who goes hears no more', async () => {
  const { people, sockets } = await cast(world, 'Ann', 'Ben', 'Cleo')
  const [ann, ben, cleo] = sockets as [TestSocket, TestSocket, TestSocket]
  const room = await roomOf([ann], { visibility: 'public' })
  const file = await track(world, people[0]!)
  await ann.emit('listen:start', { roomId: room.id, audioFileId: file.id })
  await ben.emit('room:join', { roomId: room.id })
  await ann.emit('room:invite', { roomId: room.id, userIds: [cleo.userId] })
  const state = await ann.emit('listen:get', { roomId: room.id })
  for (const socket of [ben, cleo]) expect(await stateOf(socket, room.id, () => true)).toEqual(state)
  for (const instance of [0, 1]) {
    const again = await world.connect(people[1]!, instance)
    expect(await stateOf(again, room.id, () => true)).toEqual(state)
    again.close()
  }
  await ann.emit('room:remove', { roomId: room.id, userId: cleo.userId })
  await cleo.next('room:left')
  expect(await cleo.codeOf('listen:control', { roomId: room.id, action: 'pause' })).toBe('forbidden')
  await ann.emit('listen:control', { roomId: room.id, action: 'pause' })
  await stateOf(ben, room.id, ({ playing }) => !playing)
  await ann.emit('listen:control', { roomId: room.id, action: 'stop' })
  await stateOf(ben, room.id, ({ ended }) => ended === 'stopped')
  expect(revs(cleo, room.id)).toEqual([1])
  // Where nothing is listened to any more there is nothing to tell.
  const late = await world.connect(people[1]!, 1)
  expect((await late.emit('listen:get', { roomId: room.id })).ended).toBe('stopped')
  expect(late.of('listen:state')).toEqual([])
})

test('[LISTEN-04] of changes made at once on two instances each has its number, and none is told after a newer one', async () => {
  const { people, sockets } = await cast(world, 'Ann', 'Ben', 'Cleo', 'Dan')
  const room = await roomOf(sockets)
  const file = await track(world, people[0]!, { seconds: 600 })
  await sockets[0]!.emit('listen:start', { roomId: room.id, audioFileId: file.id })
  const acks = await Promise.all(
    Array.from({ length: 60 }, (_, index) =>
      sockets[index % 4]!.emit('listen:control', { roomId: room.id, action: 'seek', positionMs: index * 1_000 }),
    ),
  )
  expect(acks.map(({ rev }) => rev).sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, index) => index + 2))
  for (const socket of sockets) {
    await stateOf(socket, room.id, ({ rev }) => rev === 61)
    expectRising(socket, room.id)
    expect((await socket.emit('listen:get', { roomId: room.id })).rev).toBe(61)
  }
})

test('[LISTEN-05] without Redis a state arrives within a few seconds, and what is late does not undo it', async () => {
  const { people, sockets } = await cast(world, 'Ann', 'Ben')
  const [ann, ben] = sockets as [TestSocket, TestSocket]
  const room = await roomOf(sockets)
  const file = await track(world, people[0]!)
  await ann.emit('listen:start', { roomId: room.id, audioFileId: file.id })
  await stateOf(ben, room.id, ({ rev }) => rev === 1)
  await world.redis!.kill()
  try {
    await ann.emit('listen:control', { roomId: room.id, action: 'pause' })
    await stateOf(ben, room.id, ({ rev }) => rev === 2, fewSecondsMs)
    await ben.emit('listen:control', { roomId: room.id, action: 'seek', positionMs: 1 })
    await stateOf(ann, room.id, ({ rev }) => rev === 3, fewSecondsMs)
  } finally {
    await world.redis!.start()
  }
  for (const instance of [0, 1]) {
    await world.until(async () => (await world.ask('GET', '/readyz', { instance })).status === 200)
  }
  // Held back by Redis while the database tells already.
  await world.redis!.freeze()
  try {
    await ann.emit('listen:control', { roomId: room.id, action: 'seek', positionMs: 2 })
    await stateOf(ben, room.id, ({ rev }) => rev === 4, fewSecondsMs)
    await ben.emit('listen:control', { roomId: room.id, action: 'seek', positionMs: 3 })
  } finally {
    world.redis!.thaw()
  }
  await stateOf(ann, room.id, ({ rev }) => rev === 5, fewSecondsMs)
  await settle(500)
  for (const socket of sockets) expect(revs(socket, room.id)).toEqual([1, 2, 3, 4, 5])
})

test('[LISTEN-06] at the end of the track it ends by itself, also where its duration became known later', async () => {
  const { people, sockets } = await cast(world, 'Ann', 'Ben')
  const [ann, ben] = sockets as [TestSocket, TestSocket]
  const room = await roomOf(sockets)
  const file = await track(world, people[0]!)
  const begun = await ann.emit('listen:start', { roomId: room.id, audioFileId: file.id, positionMs: 9_300 })
  const ended = await stateOf(ben, room.id, (state) => state.ended !== undefined)
  expect(ended).toMatchObject({ audioFileId: null, playing: false, ended: 'finished', rev: 2 })
  expect(Date.parse(ended.at) - Date.parse(begun.at)).toBeGreaterThanOrEqual(700)
  expect(Date.parse(ended.at) - Date.parse(begun.at)).toBeLessThan(2_000)
  await settle(300)
  for (const socket of sockets) expect(revs(socket, room.id)).toEqual([1, 2])

  const long = await track(world, people[0]!, { seconds: null })
  const unmeasured = await ben.emit('listen:start', { roomId: room.id, audioFileId: long.id })
  expect(unmeasured).not.toHaveProperty('durationMs')
  const known = { $set: { duration: 20 } }
  await world.database.collection('audiofiles').updateOne({ _id: long.id } as never, known)
  const measured = await stateOf(ann, room.id, (state) => state.rev === 4, fewSecondsMs)
  expect(measured).toMatchObject({ playing: true, audioFileId: long.id, durationMs: 20_000 })
  await ann.emit('listen:control', { roomId: room.id, action: 'seek', positionMs: 86_400_000 })
  await stateOf(ben, room.id, (state) => state.rev > 3 && state.ended === 'finished')
})

test('[LISTEN-07] a deleted recording ends it everywhere; one that may not be seen can’t be started', async () => {
  const { people, sockets } = await cast(world, 'Ann', 'Ben')
  const [ann, ben] = sockets as [TestSocket, TestSocket]
  const room = await roomOf(sockets)
  const own = await track(world, people[0]!, { visibility: 'private' })
  expect(await ben.codeOf('listen:start', { roomId: room.id, audioFileId: own.id })).toBe('not_found')
  expect(await ben.codeOf('listen:start', { roomId: room.id, audioFileId: room.id })).toBe('not_found')
  await ann.emit('listen:start', { roomId: room.id, audioFileId: own.id })
  await stateOf(ben, room.id, ({ rev }) => rev === 1)
  // Who listens along fetches by their own rights.
  expect((await world.ask('GET', `/api/v1/audio-files/${own.id}/stream`, { as: people[1]! })).status).toBe(404)
  expect((await world.ask('DELETE', `/api/v1/audio-files/${own.id}`, { as: people[0]! })).status).toBe(204)
  for (const socket of sockets) {
    expect(await stateOf(socket, room.id, ({ ended }) => ended === 'gone')).toMatchObject({ audioFileId: null, rev: 2 })
  }
  // Where the deletion was cut off, the reference alone is gone; a look finds that.
  const other = await track(world, people[0]!)
  await ann.emit('listen:start', { roomId: room.id, audioFileId: other.id })
  await world.database.collection('listensessions').updateOne({ _id: room.id }, { $set: { audioFileId: null } })
  await stateOf(ben, room.id, ({ ended, rev }) => rev === 4 && ended === 'gone', fewSecondsMs)
  expect(await ben.codeOf('listen:start', { roomId: room.id, audioFileId: own.id })).toBe('not_found')
})

test('[LISTEN-08] the state outlives the instance that took it, and the next one goes on with it', async () => {
  const { people, sockets } = await cast(world, 'Ann')
  const [ann] = sockets as [TestSocket]
  const room = await roomOf(sockets)
  const file = await track(world, people[0]!, { seconds: 600 })
  const brief = await world.spawnInstance()
  const there = await world.connect(people[0]!, brief)
  const begun = await there.emit('listen:start', { roomId: room.id, audioFileId: file.id, positionMs: 598_000 })
  brief.process!.kill('SIGKILL')
  expect(await ann.emit('listen:get', { roomId: room.id })).toEqual(begun)
  expect(await stateOf(ann, room.id, ({ ended }) => ended === 'finished')).toMatchObject({ rev: 2 })
})

test('[LISTEN-09] bots listen and start by their scopes; a ban ends both', async () => {
  const { people, sockets } = await cast(world, 'Ann', 'Ben')
  const [ann, ben] = sockets as [TestSocket, TestSocket]
  const room = await roomOf(sockets)
  const file = await track(world, people[0]!)
  const reader = await world.bot(people[0]!, ['rooms:read'])
  const writer = await world.bot(people[0]!, ['rooms:read', 'rooms:write'])
  const stranger = await world.bot(people[0]!, ['profile:read'])
  await ann.emit('room:invite', { roomId: room.id, userIds: [reader.id, writer.id, stranger.id] })
  const [hears, plays, deaf] = await Promise.all([reader, writer, stranger].map((bot) => world.connect(bot, 1)))
  expect(await hears!.codeOf('listen:start', { roomId: room.id, audioFileId: file.id })).toBe('forbidden')
  expect(await deaf!.codeOf('listen:get', { roomId: room.id })).toBe('forbidden')
  expect(await deaf!.codeOf('time:sync', { t0: 5 })).toBe('ok')
  await plays!.emit('listen:start', { roomId: room.id, audioFileId: file.id })
  expect(await stateOf(hears!, room.id, () => true)).toMatchObject({ by: writer.id, rev: 1 })
  expect(deaf!.of('listen:state')).toEqual([])

  const admin = await makeAdmin(world)
  expect((await world.ask('PUT', `/api/v1/users/${ben.userId}/ban`, { as: admin })).status).toBe(204)
  await world.until(() => ben.closedBy())
  await ann.emit('listen:control', { roomId: room.id, action: 'pause' })
  await expect(world.connect(people[1]!)).rejects.toThrow()
})

test('[LISTEN-10] time:sync gives what it was given, and times between question and answer, the same on all instances', async () => {
  const { sockets } = await cast(world, 'Ann', 'Ben')
  const offsets: number[] = []
  for (const socket of sockets) {
    let best = { roundTrip: Number.POSITIVE_INFINITY, offset: 0 }
    for (let look = 0; look < 20; look++) {
      const t0 = performance.now()
      const answer = await socket.emit('time:sync', { t0 })
      const t3 = performance.now()
      expect(answer.t0).toBe(t0)
      expect(answer.t2).toBeGreaterThanOrEqual(answer.t1)
      const offset = (answer.t1 - t0 + answer.t2 - t3) / 2
      if (t3 - t0 < best.roundTrip) best = { roundTrip: t3 - t0, offset }
    }
    offsets.push(best.offset)
    // MongoDB runs on this machine, by this clock.
    expect(Math.abs(best.offset - (Date.now() - performance.now()))).toBeLessThan(25)
  }
  expect(Math.abs(offsets[0]! - offsets[1]!)).toBeLessThan(10)
  for (const t0 of ['now', null, undefined]) expect(await sockets[0]!.codeOf('time:sync', { t0 })).toBe('invalid')
})
