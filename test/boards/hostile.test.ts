import * as encoding from 'lib0/encoding'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import * as Y from 'yjs'
import { readMessage } from '../../src/boards/protocol.ts'
import { createWorld, type Person, type World } from '../support/world.ts'
import { addCard, boardsOf, closeClients, contentOf, openBoard, openRaw, projectOf } from './support.ts'

let world: World
let ann: Person
let ben: Person
beforeAll(async () => {
  world = await createWorld()
  ;[ann, ben] = (await world.users('Ann', 'Ben')) as [Person, Person]
})
afterEach(closeClients)
afterAll(() => world?.close())

/** A generator of its own, so that a failure comes again (Tommy Ettinger's mulberry32). */
function randomOf(seed: number) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function write(run: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder()
  run(encoder)
  return encoding.toUint8Array(encoder)
}
const updateFrame = (update: Uint8Array, step = 2) =>
  write((encoder) => {
    encoding.writeVarUint(encoder, 0)
    encoding.writeVarUint(encoder, step)
    encoding.writeVarUint8Array(encoder, update)
  })
const awarenessFrame = (...entries: [clientId: number, clock: number, state: string][]) =>
  write((encoder) => {
    encoding.writeVarUint(encoder, 1)
    const body = write((inner) => {
      encoding.writeVarUint(inner, entries.length)
      for (const [clientId, clock, state] of entries) {
        encoding.writeVarUint(inner, clientId)
        encoding.writeVarUint(inner, clock)
        encoding.writeVarString(inner, state)
      }
    })
    encoding.writeVarUint8Array(encoder, body)
  })

/** Structs of one client, and no deletions; `info` is the content's number with what is said of its place. */
const structs = (client: number, clock: number, count: number, body: (encoder: encoding.Encoder) => void) =>
  write((encoder) => {
    for (const number of [1, count, client, clock]) encoding.writeVarUint(encoder, number)
    body(encoder)
    encoding.writeVarUint(encoder, 0)
  })
const id = (encoder: encoding.Encoder, client: number, clock: number) => {
  encoding.writeVarUint(encoder, client)
  encoding.writeVarUint(encoder, clock)
}
/** Text with a left and maybe a right neighbour. */
const text = (encoder: encoding.Encoder, left: [number, number], right?: [number, number]) => {
  encoding.writeUint8(encoder, 4 | 128 | (right ? 64 : 0))
  id(encoder, ...left)
  if (right) id(encoder, ...right)
  encoding.writeVarString(encoder, 'x')
}

/** Whether a stock Yjs document would take a frame as a change like another: then it is none of the broken ones. */
function isHonest(frame: Uint8Array, state: Uint8Array): boolean {
  let message: ReturnType<typeof readMessage>
  try {
    message = readMessage(frame)
  } catch {
    return false
  }
  if (message.type === 'awareness') {
    return message.entries.every(({ state: json }) => {
      try {
        const parsed = JSON.parse(json)
        return parsed === null || (typeof parsed === 'object' && !Array.isArray(parsed))
      } catch {
        return false
      }
    })
  }
  if (message.type !== 'update' && message.type !== 'step2') return true
  const doc = new Y.Doc()
  Y.applyUpdate(doc, state)
  try {
    Y.applyUpdate(doc, message.update)
  } catch {
    return false
  }
  return doc.store.pendingStructs === null && doc.store.pendingDs === null
}

function corpus(state: Uint8Array, seed: number): Uint8Array[] {
  const random = randomOf(seed)
  const doc = new Y.Doc()
  Y.applyUpdate(doc, state)
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  addCard(doc, 'poison')
  doc.getMap<Y.Map<unknown>>('cards').get('anchor')!.set('title', 'poison')
  doc.getMap('cards').delete('anchor')
  const honest = [...updates.map((update) => updateFrame(update)), awarenessFrame([77, 1, '{"cursor":1}'])]
  const frames: Uint8Array[] = []
  for (const frame of honest) {
    for (let length = 0; length < frame.length; length += Math.ceil(frame.length / 12))
      frames.push(frame.subarray(0, length))
    frames.push(Buffer.concat([frame, Buffer.from([0])]))
    for (let flip = 0; flip < 60; flip++) {
      const flipped = Uint8Array.from(frame)
      const at = Math.floor(random() * frame.length)
      flipped[at] = flipped[at]! ^ (1 << Math.floor(random() * 8))
      frames.push(flipped)
    }
  }
  for (let index = 0; index < 60; index++) {
    frames.push(Uint8Array.from({ length: Math.floor(random() * 200) }, () => random() * 256))
  }
  const any = (encoder: encoding.Encoder, depth: number) => {
    encoding.writeUint8(encoder, 40)
    encoding.writeVarUint(encoder, 1)
    encoding.writeVarString(encoder, 'k')
    encoding.writeVarUint(encoder, 1)
    for (let level = 0; level < depth; level++) {
      encoding.writeUint8(encoder, 117)
      encoding.writeVarUint(encoder, 1)
    }
    encoding.writeUint8(encoder, 126)
  }
  frames.push(
    // Updates without their predecessors, in one way and another.
    updateFrame(structs(9_001, 5, 1, (encoder) => void text(encoder, [9_001, 4]))),
    updateFrame(structs(9_002, 0, 1, (encoder) => void text(encoder, [424_242, 7]))),
    updateFrame(
      write((encoder) => [0, 1, 515_151, 1, 0, 3].forEach((number) => void encoding.writeVarUint(encoder, number))),
    ),
    // It builds on itself, and two on each other.
    updateFrame(structs(9_003, 0, 1, (encoder) => void text(encoder, [9_003, 0]))),
    updateFrame(
      write((encoder) => {
        encoding.writeVarUint(encoder, 2)
        for (const [own, other] of [
          [9_005, 9_004],
          [9_004, 9_005],
        ] as const) {
          for (const number of [1, own, 0]) encoding.writeVarUint(encoder, number)
          text(encoder, [other, 0])
        }
        encoding.writeVarUint(encoder, 0)
      }),
    ),
    // Lengths and clocks beyond all measure.
    updateFrame(
      structs(9_006, 0, 1, (encoder) => {
        encoding.writeUint8(encoder, 0)
        encoding.writeVarUint(encoder, 2 ** 50)
      }),
    ),
    updateFrame(
      write((encoder) => [2 ** 40, 2 ** 40, 1, 0].forEach((number) => void encoding.writeVarUint(encoder, number))),
    ),
    // A document within the document.
    updateFrame(
      structs(9_007, 0, 1, (encoder) => {
        encoding.writeUint8(encoder, 9 | 32)
        encoding.writeVarUint(encoder, 1)
        encoding.writeVarString(encoder, 'cards')
        encoding.writeVarString(encoder, 'sub')
        encoding.writeVarString(encoder, 'guid')
        encoding.writeAny(encoder, {})
      }),
    ),
    // Values nested deeper than a stack.
    updateFrame(structs(9_008, 0, 1, (encoder) => any(encoder, 50_000))),
    // Awareness that is none.
    awarenessFrame([78, 1, 'not JSON']),
    awarenessFrame([78, 1, '[1,2]']),
    awarenessFrame([78, 1, '5']),
    write((encoder) => [1, 3, 255, 255, 127].forEach((number) => void encoding.writeUint8(encoder, number))),
    // Messages that there are none of, and a state vector without its end.
    Uint8Array.from([2, 0]),
    Uint8Array.from([4]),
    Uint8Array.from([0, 3, 0]),
    Uint8Array.from([0, 0, 1, 9]),
    Uint8Array.from([]),
  )
  return frames.filter((frame) => !isHonest(frame, state))
}

test('[BOARD-20] of a corpus of broken and hostile frames each ends its own connection, and changes nothing', async () => {
  const projectId = await projectOf(world, ann, [[ben, 'editor']])
  const one = openBoard(world, projectId, ann, 0, { state: { cursor: 1 } })
  const two = openBoard(world, projectId, ann)
  await Promise.all([one.synced(), two.synced()])
  addCard(one.doc, 'anchor')
  await world.until(() => 'anchor' in two.cards())
  const state = await boardsOf(world).snapshot(projectId)
  const stored = () => world.database.collection<any>('boardupdates').find({ projectId }).sort({ _id: 1 }).toArray()
  const before = await stored()
  const frames = corpus(state, 20_240)
  expect(frames.length).toBeGreaterThan(200)
  const survived: Uint8Array[] = []
  for (let index = 0; index < frames.length; index += 50) {
    await Promise.all(
      frames.slice(index, index + 50).map(async (frame) => {
        const raw = await openRaw(world, projectId, ben)
        raw.ws.send(frame)
        // What it lacks it does not bring.
        raw.ws.send(Uint8Array.from([0, 1, 2, 0, 0]))
        await world
          .until(() => raw.code() !== undefined)
          .then(
            () => expect(raw.code(), Buffer.from(frame).toString('hex').slice(0, 400)).toBe(4400),
            () => survived.push(frame),
          )
        raw.ws.terminate()
      }),
    )
  }
  expect(survived.map((frame) => Buffer.from(frame).toString('hex').slice(0, 400))).toEqual([])
  expect(Buffer.from(await boardsOf(world).snapshot(projectId)).equals(state)).toBe(true)
  expect(await stored()).toEqual(before)
  for (const client of [one, two]) expect(client.closedBy()).toBeUndefined()
  addCard(two.doc, 'after')
  await world.until(() => 'after' in one.cards())
  expect(Object.keys(one.cards()).sort()).toEqual(['after', 'anchor'])
  expect((await contentOf(world, projectId)).cards).toEqual(one.cards())
})

test('[BOARD-21] text frames and frames that break the WebSocket protocol are closed with 4400', async () => {
  const projectId = await projectOf(world, ann)
  const said = await openRaw(world, projectId, ann)
  said.ws.send('hello')
  await world.until(() => said.code() === 4400)
  const broken = await openRaw(world, projectId, ann)
  // Reserved bits, and no mask.
  ;(broken.ws as any)._socket.write(Buffer.from([0xf2, 0x01, 0x00]))
  await world.until(() => broken.code() === 4400)
})
