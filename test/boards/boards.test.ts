import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import * as Y from 'yjs'
import { createWorld, type Person, type World } from '../support/world.ts'
import { addCard, closeClients, encodedOf, openBoard, projectOf } from './support.ts'

let world: World
let ann: Person
let ben: Person
beforeAll(async () => {
  world = await createWorld({ instances: 2 })
  ;[ann, ben] = (await world.users('Ann', 'Ben')) as [Person, Person]
})
afterEach(closeClients)
afterAll(() => world?.close())

test('[BOARD-01] two stock clients on two instances converge, and what one sees of the other is stored', async () => {
  const projectId = await projectOf(world, ann, [[ben, 'editor']])
  const one = openBoard(world, projectId, ann, 0)
  const two = openBoard(world, projectId, ben, 1, { protocols: true })
  await Promise.all([one.synced(), two.synced()])
  addCard(one.doc, 'first')
  await world.until(() => 'first' in two.cards())
  const rows = await world.database.collection('boardupdates').find({ projectId }).toArray()
  expect(rows.length).toBeGreaterThan(1)
  addCard(two.doc, 'second')
  two.doc.getMap('board').set('title', 'Day train')
  await world.until(() => 'second' in one.cards() && one.doc.getMap('board').get('title') === 'Day train')
  expect(one.doc.toJSON()).toEqual(two.doc.toJSON())
  expect(Y.encodeStateVector(one.doc)).toEqual(Y.encodeStateVector(two.doc))
  expect(Object.values<any>(one.doc.getMap('columns').toJSON()).map(({ title }) => title)).toEqual([
    'To do',
    'Doing',
    'Done',
  ])
  const stored = new Y.Doc()
  Y.applyUpdate(stored, await encodedOf(world, projectId, 1))
  for (const name of ['board', 'columns', 'cards', 'notes']) stored.getMap(name)
  one.doc.getMap('notes')
  expect(stored.toJSON()).toEqual(one.doc.toJSON())
})
