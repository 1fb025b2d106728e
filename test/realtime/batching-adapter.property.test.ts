import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { encodeEvent } from '../../src/realtime/batching-adapter.ts'
import { type FanoutWorld, type Member, openFanoutWorld, type Transport, waitFor } from './fanout-world.ts'

const TRANSPORTS: Transport[] = ['websocket', 'websocket', 'websocket', 'polling']
const ROOMS = ['a', 'b', 'c']

type Step =
  | { do: 'join' | 'leave'; who: number; rooms: string[] }
  | { do: 'emit' | 'encoded' | 'binary'; room: string }
  | { do: 'several'; rooms: string[]; except: string[] }
  | { do: 'others'; who: number; room: string }
  | { do: 'all'; except: number[] }
  | { do: 'direct' | 'directBinary' | 'ack'; who: number }
  | { do: 'turn' }

const who = fc.nat(TRANSPORTS.length - 1)
const room = fc.constantFrom(...ROOMS)
const rooms = fc.uniqueArray(room, { minLength: 1 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('join' as const, 'leave' as const), who, rooms }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('emit' as const, 'encoded' as const), room }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('binary' as const), room }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('several' as const), rooms, except: fc.uniqueArray(room) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('others' as const), who, room }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('all' as const), except: fc.uniqueArray(who) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('direct' as const, 'ack' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('directBinary' as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
)

/** A world with its members, each with callbacks of acks that the server has yet to answer. */
interface Stage {
  world: FanoutWorld
  members: Member[]
  asked: ((n: number) => void)[][]
  batching: boolean
}

async function openStage(batching: boolean): Promise<Stage> {
  const world = await openFanoutWorld(batching ? {} : 'stock')
  const members: Member[] = []
  const asked: ((n: number) => void)[][] = []
  for (const transport of TRANSPORTS) {
    const member = await world.connect(transport)
    const mine: ((n: number) => void)[] = []
    member.server.on('ask', (ack: (n: number) => void) => mine.push(ack))
    members.push(member)
    asked.push(mine)
  }
  return { world, members, asked, batching }
}

/** Plays the steps on one stage and returns what each member received, in order. */
async function play({ world, members, asked, batching }: Stage, steps: Step[]): Promise<string[][]> {
  const { io } = world
  for (const [i, member] of members.entries()) {
    for (const name of ROOMS) member.server.leave(name)
    member.log.length = 0
    const acks = steps.filter((s) => s.do === 'ack' && s.who === i).length
    for (let k = 0; k < acks; k++) member.client.emit('ask', (n: number) => member.log.push(['acked', n]))
    await waitFor(() => expect(asked[i]!.length).toBe(acks), 1)
  }
  for (const [n, s] of steps.entries()) {
    switch (s.do) {
      case 'turn':
        await nextTurn()
        break
      case 'join':
        members[s.who]!.server.join(s.rooms)
        break
      case 'leave':
        for (const name of s.rooms) members[s.who]!.server.leave(name)
        break
      case 'encoded':
        if (batching) world.adapter.emitEncoded(s.room, encodeEvent('n', n))
        else io.to(s.room).emit('n', n)
        break
      case 'emit':
        io.to(s.room).emit('n', n)
        break
      case 'binary':
        io.to(s.room).emit('n', n, Buffer.from([n & 255]))
        break
      case 'several':
        io.to(s.rooms).except(s.except).emit('n', n)
        break
      case 'others':
        members[s.who]!.server.to(s.room).emit('n', n)
        break
      case 'all':
        io.except(s.except.map((i) => members[i]!.server.id)).emit('n', n)
        break
      case 'direct':
        members[s.who]!.server.emit('direct', n)
        break
      case 'directBinary':
        members[s.who]!.server.emit('direct', n, Buffer.from([n & 255]))
        break
      case 'ack':
        asked[s.who]!.shift()!(n)
    }
  }
  for (const { server } of members) server.emit('end')
  await waitFor(() => expect(members.every(({ log }) => log.at(-1)?.[0] === 'end')).toBe(true), 1)
  return members.map(({ log }) => log.map(([event, n]) => `${event} ${n}`))
}

let stock: Stage
let batching: Stage
beforeAll(async () => {
  stock = await openStage(false)
  batching = await openStage(true)
})
afterAll(async () => {
  await stock.world.close()
  await batching.world.close()
})

it('[FAN-23] gives every socket what the stock adapter gives it, in the same order, whatever happens', async () => {
  let deliveries = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), async (steps) => {
      const expected = await play(stock, steps)
      expect(await play(batching, steps)).toEqual(expected)
      deliveries += expected.flat().length
    }),
    { numRuns: 100 },
  )
  // The sequences must have had something to say.
  expect(deliveries).toBeGreaterThan(500)
})
