import { once } from 'node:events'
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { connect, type ListenState, type PhantomClient } from '../../src/client/index.ts'
import { ServerClock } from '../../src/client/server-clock.ts'
import { Gate } from '../../src/client/waiting.ts'
import { slowWay } from '../support/slow-way.ts'
import { createWorld, type Person, type World } from '../support/world.ts'
import { track } from './tracks.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ instances: 2 })
})
afterAll(() => world?.close())

/** Steps through what a clock would go through in minutes, without waiting for them. */
async function estimate(way: (look: number) => { there: number; back: number }, looks: number) {
  let steady = 1_000
  /** The server's clock is far from this one, and runs 50 parts in a million faster. */
  const server = () => 1_700_000_000_000 + steady * 1.00005
  const over = new AbortController()
  const up = new Gate()
  up.open()
  let look = 0
  const done = new Promise<void>((resolve) => {
    const clock = new ServerClock({
      async ask({ t0 }) {
        const { there, back } = way(look++)
        steady += there
        const t1 = server()
        steady += 0.4
        const t2 = server()
        steady += back
        if (look === looks) resolve()
        return { t0, t1, t2 }
      },
      up,
      over: over.signal,
      steady: () => steady,
      wall: () => steady,
    })
    clocks.push(clock)
    clock.now()
  })
  await done
  await new Promise((turn) => setImmediate(turn))
  over.abort()
  const clock = clocks.pop()!
  return { error: Math.abs(clock.now()! - server()), uncertainty: clock.uncertaintyMs! }
}
const clocks: ServerClock[] = []

test('[LISTEN-30] the clock goes by the quickest of its looks, and says how wrong it may be', async () => {
  // 150 ms each way, and now and then a look that waits somewhere, in one direction.
  const busy = (look: number) => ({
    there: 150 + (look % 3 === 1 ? 400 : look % 5),
    back: 150 + (look % 4 === 2 ? 900 : look % 7),
  })
  const { error, uncertainty } = await estimate(busy, 6)
  expect(error).toBeLessThan(6)
  expect(uncertainty).toBeGreaterThan(150)
  expect(uncertainty).toBeLessThan(170)
  // A way that is longer in one direction can't be told from the ends: half of it is the error, never more.
  const lame = await estimate(() => ({ there: 20, back: 120 }), 4)
  expect(lame.error).toBeLessThanOrEqual(lame.uncertainty)
})

function open(person: Person, url: string): PhantomClient {
  const client = connect({ url, token: person.accessToken })
  onTestFinished(() => client.close())
  return client
}

test('[LISTEN-31] two clients on two instances, one far away, reckon the same position; states come in order, once', async () => {
  const [ann, ben] = (await world.users('Ann', 'Ben')) as [Person, Person]
  const { body: room } = await world.ask('POST', '/api/v1/chat-rooms', {
    as: ann,
    body: { name: 'Room', memberIds: [ben.id] },
  })
  const file = await track(world, ann, { seconds: 600 })
  await world.database.collection('audiofiles').updateOne({ _id: file.id } as never, { $set: { duration: 600 } })
  const near = open(ann, world.instances[0]!.url)
  const way = await slowWay(world.instances[1]!.url, 150)
  onTestFinished(() => way.close())
  const far = open(ben, way.url)
  const told: ListenState[] = []
  far.on('listen:state', (state) => told.push(state))
  await Promise.all([near.listen.clock.ready(), far.listen.clock.ready()])
  const started = await near.listen.start(room.id, file.id, 5_000)
  expect(near.listen.state(room.id)).toEqual(started)
  await world.until(() => far.listen.state(room.id)?.rev === started.rev)
  expect(far.listen.active).toEqual([started])
  const positions = [near, far].map((client) => client.listen.position(room.id)!)
  expect(positions[0]).toBeGreaterThan(5_000)
  expect(Math.abs(positions[0]! - positions[1]!)).toBeLessThan(30)
  await far.listen.control(room.id, 'seek', 60_000)
  await near.listen.control(room.id, 'pause')
  await world.until(() => far.listen.state(room.id)?.playing === false)
  expect(told.map(({ rev }) => rev)).toEqual([1, 2, 3])
  await world.until(() => near.listen.state(room.id)?.rev === 3)
  expect(near.listen.position(room.id)).toBe(far.listen.position(room.id))
  expect(far.listen.position(room.id)).toBeGreaterThanOrEqual(60_000)
  await near.listen.control(room.id, 'stop')
  expect(near.listen.position(room.id)).toBeNull()
  expect(near.listen.active).toEqual([])
})

test('[LISTEN-32] a client that was cut off learns on its return what changed, and what ended', async () => {
  const ann = await world.user('Ann')
  const rooms: string[] = []
  for (const name of ['One', 'Two']) {
    rooms.push((await world.ask('POST', '/api/v1/chat-rooms', { as: ann, body: { name } })).body.id)
  }
  const file = await track(world, ann, { seconds: 600 })
  const brief = await world.addInstance()
  const { port } = new URL(brief.url)
  let to = Number(port)
  const pairs = new Set<Socket>()
  const switchboard = createServer((near) => {
    const other = dial(to, '127.0.0.1')
    for (const socket of [near, other]) pairs.add(socket.on('error', () => {}))
    near.pipe(other).pipe(near)
    near.on('close', () => other.destroy())
    other.on('close', () => near.destroy())
  })
  switchboard.listen(0, '127.0.0.1')
  await once(switchboard, 'listening')
  onTestFinished(() => {
    for (const socket of pairs) socket.destroy()
    switchboard.close()
  })
  const client = connect({
    url: `http://127.0.0.1:${(switchboard.address() as AddressInfo).port}`,
    token: ann.accessToken,
    backoff: { baseMs: 400, maxMs: 400 },
  })
  onTestFinished(() => client.close())
  for (const roomId of rooms) await client.listen.start(roomId, file.id)
  const told: ListenState[] = []
  client.on('listen:state', (state) => told.push(state))
  const offline = new Promise<void>((resolve) => client.on('state', ({ state }) => state === 'offline' && resolve()))
  const other = await world.connect(ann, 0)
  to = Number(new URL(world.instances[1]!.url).port)
  for (const socket of pairs) socket.destroy()
  await offline
  await Promise.all([
    other.emit('listen:control', { roomId: rooms[0], action: 'stop' }),
    other.emit('listen:control', { roomId: rooms[1], action: 'pause', positionMs: 7 }),
  ])
  await world.until(() => client.listen.state(rooms[0]!)?.ended === 'stopped')
  await world.until(() => client.listen.state(rooms[1]!)?.positionMs === 7)
  expect(client.listen.active.map(({ roomId }) => roomId)).toEqual([rooms[1]])
  for (const roomId of rooms) {
    const revs = told.filter((state) => state.roomId === roomId).map(({ rev }) => rev)
    expect(revs).toEqual([...new Set(revs)].sort((a, b) => a - b))
  }
  await client.request('room:leave', { roomId: rooms[1]! })
  await world.until(() => client.listen.state(rooms[1]!) === null)
})
