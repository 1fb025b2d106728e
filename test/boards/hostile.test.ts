import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { hostileFrames } from '../../scripts/shared/hostile-frames.ts'
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
  const frames = hostileFrames(state, 20_240)
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
