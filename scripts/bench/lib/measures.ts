import { type Bench, fail, interleave, log, runLoad, startContenders, stopContenders } from './bench.ts'
import type { Contender, SocketPlace, World } from './contenders.ts'
import type { AcksFigures, DeliveriesFigures, MemoryFigures, ReconnectFigures } from './jobs.ts'

const range = (count: number) => Array.from({ length: count }, (_, index) => index)
const count = (value: number) => Math.round(value).toLocaleString('en')
const ms = (value: number) => value.toFixed(value < 10 ? 2 : 1)
const percent = (value: number) => `${Math.round(value)} %`

const showAcks = (f: AcksFigures) =>
  `${count(f.perSecond)} acks/s, p50 ${ms(f.p50)} p99 ${ms(f.p99)} ms, ${ms(f.cpuMicrosPerAck)} µs each, CPU server ${percent(f.serverCpu)} client ${percent(f.clientCpu)}${f.clientSaturated ? ' (client-bound)' : ''} stores ${percent(f.storeCpu)} others ${percent(f.othersCpu)}`
const showDeliveries = ({ saturated, paced, missing }: DeliveriesFigures) =>
  `${count(saturated.perSecond)}/s, ${ms(saturated.cpuMicrosPerDelivery)} µs each, CPU server ${percent(saturated.serverCpu)} client ${percent(saturated.clientCpu)}${saturated.clientSaturated ? ' (client-bound)' : ''} others ${percent(saturated.othersCpu)} | paced ${count(paced.perSecond)}/s: ${ms(paced.cpuMicrosPerDelivery)} µs each, p50 ${ms(paced.p50)} p99 ${ms(paced.p99)} ms${missing ? ` MISSING ${missing}` : ''}`

const ACK_SENDERS = [1, 8, 64, 256]
const SHARED_SENDERS = 64

/**
 * Acked messages. The headline has each sender alone in a room of its own, so that an ack costs one stored message
 * and one delivery, whoever serves it. `shared` has 64 senders in one room, where each message is delivered 64 times too.
 */
export async function measureAcks(bench: Bench): Promise<void> {
  const { quick } = bench.options
  const users = Math.max(...ACK_SENDERS)
  const world: World = { users, rooms: [...range(users).map((user) => [user]), range(SHARED_SENDERS)] }
  const contenders = await startContenders(
    bench,
    'acks',
    ['ours', 'bare-mongoose', 'bare-mongoose-inc', 'bare-broadcast'],
    world,
    { instances: 1, gcHook: false },
  )
  await warmUp(
    bench,
    contenders,
    range(SHARED_SENDERS).map((user) => ({ user, rooms: [user], instance: 0 })),
  )
  const cases = [
    ...ACK_SENDERS.map((senders) => ({ senders, shared: false })),
    { senders: SHARED_SENDERS, shared: true },
  ]
  for (const { senders, shared } of cases) {
    const roomOf = (user: number) => (shared ? users : user)
    await interleave(
      bench,
      'acks',
      shared ? `shared ${senders}` : `${senders}`,
      contenders,
      async (contender, first) =>
        runLoad<AcksFigures>(
          {
            kind: 'acks',
            ...(await target(
              bench,
              contender,
              range(senders).map((user) => ({ user, rooms: [roomOf(user)], instance: 0 })),
            )),
            rooms: range(senders).map((user) => contender.roomIds[roomOf(user)]!),
            warmMs: quick ? 500 : first ? 3_000 : 1_000,
            measureMs: quick ? 1_000 : 3_000,
          },
          contender,
        ),
      showAcks,
    )
  }
  await stopContenders(bench, 'acks', contenders)
}

/** A stock socket.io-client in place of the raw one: do the figures agree in kind? */
export async function measureStock(bench: Bench): Promise<void> {
  const senders = 8
  const world: World = { users: senders, rooms: range(senders).map((user) => [user]) }
  const contenders = await startContenders(bench, 'stock', ['ours', 'bare-mongoose', 'bare-broadcast'], world, {
    instances: 1,
    gcHook: false,
  })
  await warmUp(
    bench,
    contenders,
    range(senders).map((user) => ({ user, rooms: [user], instance: 0 })),
  )
  for (const kind of ['acks', 'stock'] as const) {
    await interleave(
      bench,
      'stock',
      `${kind === 'acks' ? 'raw' : 'socket.io-client'} ${senders}`,
      contenders,
      async (contender) =>
        runLoad<AcksFigures>(
          {
            kind,
            ...(await target(
              bench,
              contender,
              range(senders).map((user) => ({ user, rooms: [user], instance: 0 })),
            )),
            rooms: contender.roomIds,
            warmMs: 1_000,
            measureMs: bench.options.quick ? 1_000 : 3_000,
          },
          contender,
        ),
      showAcks,
    )
  }
  await stopContenders(bench, 'stock', contenders)
}

/** Messages a second at the paced load, by members of the room: a fair part of what the bare apps can do. */
const PACE: Record<number, number> = { 1: 400, 10: 200, 100: 100, 1000: 20 }
const WINDOW = 64
const SENDERS = 4

/** Deliveries to rooms of several sizes from one instance. */
export const measureDeliveries = (bench: Bench) =>
  deliveries(bench, 'deliveries', [1, 10, 100, 1000], 1, ['ours', 'our-adapter', 'bare-broadcast', 'bare-mongoose'])

/** The same with each room's members half on the one and half on the other of two instances. */
export const measureInstances = (bench: Bench) =>
  deliveries(bench, 'instances', [10, 100, 1000], 2, ['ours', 'redis-classic', 'redis-classic-mongoose'])

async function deliveries(
  bench: Bench,
  measure: string,
  sizes: number[],
  instances: number,
  names: Contender['name'][],
): Promise<void> {
  const { quick, users } = bench.options
  const world: World = { users, rooms: sizes.map((size) => range(Math.min(size, users))) }
  const contenders = await startContenders(bench, measure, names, world, { instances, gcHook: false })
  const ten = sizes.indexOf(10)
  await warmUp(
    bench,
    contenders,
    range(10).map((user) => ({ user: user % users, rooms: [ten], instance: user })),
  )
  for (const [room, size] of sizes.entries()) {
    const places: SocketPlace[] = range(size).map((index) => ({ user: index % users, rooms: [room], instance: index }))
    await interleave(
      bench,
      measure,
      `${size}`,
      contenders,
      async (contender, first) =>
        runLoad<DeliveriesFigures>(
          {
            kind: 'deliveries',
            ...(await target(bench, contender, places)),
            roomId: contender.roomIds[room]!,
            senders: Math.min(size, SENDERS),
            window: WINDOW,
            rate: PACE[size]!,
            warmMs: quick ? 500 : first ? 3_000 : 1_000,
            measureMs: quick ? 1_000 : 3_000,
            pacedMs: quick ? 1_500 : 4_000,
          },
          contender,
        ),
      showDeliveries,
    )
  }
  await stopContenders(bench, measure, contenders)
}

/** Memory of idle connections, each of a user in three rooms; every round on a fresh process. */
export async function measureMemory(bench: Bench): Promise<void> {
  const { quick } = bench.options
  const sockets = quick ? 1_000 : 5_000
  const world = circles(sockets / 10)
  for (let round = 0; round < (quick ? 1 : Math.min(3, bench.options.rounds)); round++) {
    const contenders = await startContenders(bench, 'memory', ['ours', 'bare-broadcast'], world, {
      instances: 1,
      gcHook: true,
    })
    const single: Bench = { ...bench, options: { ...bench.options, rounds: 1 }, series: [] }
    await interleave(
      single,
      'memory',
      `${sockets}`,
      contenders,
      async (contender) =>
        runLoad<MemoryFigures>(
          {
            kind: 'memory',
            ...(await target(bench, contender, placesIn(world, sockets))),
            warmSockets: 250,
            settleMs: 3_000,
          },
          contender,
        ),
      (f) =>
        `${(f.bytesPerConnection / 1024).toFixed(1)} KiB a connection (${(f.bytesPerConnectionUncollected / 1024).toFixed(1)} before a collection), connected in ${f.connectSeconds.toFixed(1)} s`,
    )
    await stopContenders(bench, 'memory', contenders)
    for (const { rounds, ...series } of single.series) {
      const known = bench.series.find((other) => other.measure === 'memory' && other.contender === series.contender)
      if (known) known.rounds.push(...rounds)
      else bench.series.push({ ...series, rounds })
    }
  }
}

/** 2,000 clients that all come back at once, after their connections were cut and after the server was killed. */
export async function measureReconnect(bench: Bench): Promise<void> {
  const { quick } = bench.options
  const sockets = quick ? 400 : 2_000
  const writers = 10
  const world = circles(sockets / 4)
  const contenders = await startContenders(bench, 'reconnect', ['ours', 'bare-mongoose'], world, {
    instances: 1,
    gcHook: false,
  })
  for (const cause of ['cut', 'kill'] as const) {
    await interleave(
      bench,
      'reconnect',
      `${cause} ${sockets}`,
      contenders,
      async (contender) => {
        const places = [...placesIn(world, writers), ...placesIn(world, sockets)]
        return runLoad<ReconnectFigures>(
          {
            kind: 'reconnect',
            ...(await target(bench, contender, places)),
            cause,
            writers,
            rooms: places.slice(0, writers).map((place) => contender.roomIds[place.rooms[0]!]!),
            sync: contender.name === 'ours',
          },
          contender,
        )
      },
      (f) =>
        `ready in ${f.allReadySeconds.toFixed(2)} s, synced in ${f.allSyncedSeconds.toFixed(2)} s, ${f.acked} acked, ${JSON.stringify(f.anomalies)}`,
    )
  }
  await stopContenders(bench, 'reconnect', contenders)
}

/** Users in three rooms each, fifteen to a room. */
function circles(users: number): World {
  const size = 15
  const rooms = Math.ceil((users * 3) / size)
  const members: number[][] = range(rooms).map(() => [])
  for (let user = 0; user < users; user++) {
    for (let turn = 0; turn < 3; turn++) members[(user + turn * Math.floor(rooms / 3)) % rooms]!.push(user)
  }
  return { users, rooms: members.filter((room) => room.length > 0) }
}

function placesIn(world: World, sockets: number): SocketPlace[] {
  const roomsOf: number[][] = range(world.users).map(() => [])
  for (const [room, members] of world.rooms.entries()) for (const user of members) roomsOf[user]!.push(room)
  return range(sockets).map((index) => ({
    user: index % world.users,
    rooms: roomsOf[index % world.users]!,
    instance: 0,
  }))
}

/** Messages before anything is measured: a mongoose `create` costs four times as much CPU before some 5,000 as after. */
const WARM_ACKS = 6_000

async function warmUp(bench: Bench, contenders: Contender[], places: SocketPlace[]): Promise<void> {
  for (const contender of contenders) {
    const job = {
      ...(await target(bench, contender, places)),
      rooms: places.map((place) => contender.roomIds[place.rooms[0]!]!),
      warmAcks: WARM_ACKS,
    }
    try {
      const figures = await runLoad<AcksFigures>({ kind: 'acks', ...job, warmMs: 0, measureMs: 500 }, contender)
      log(`${contender.name} is warm: ${showAcks(figures)}`)
    } catch (error) {
      fail(bench, 'warm-up', `${places.length}`, contender.name, error)
    }
  }
}

async function target(bench: Bench, contender: Contender, places: SocketPlace[]) {
  return {
    serverPids: contender.pids(),
    storePids: bench.stores.pids,
    sockets: await contender.sockets(places),
  }
}
