import { expect, test } from 'vitest'
import { BoardAwareness, type Speaker } from '../../src/boards/awareness.ts'

const speaker = (id: string): Speaker => ({ user: { id, name: id.toUpperCase() }, clientId: null })
const state = (cursor: number) => JSON.stringify({ cursor })
const named = (awareness: BoardAwareness) =>
  Object.fromEntries(awareness.all().map(({ clientId, state }) => [clientId, JSON.parse(state)]))

test('[BOARD-50] a state that nobody renews ends within 30 s, here and of another instance', () => {
  const awareness = new BoardAwareness()
  const ann = speaker('ann')
  awareness.receive(ann, [{ clientId: 1, clock: 1, state: state(1) }], 0)
  awareness.receiveShared('other', [{ clientId: 2, clock: 1, state: state(2), userId: 'ben' }], 1_000)
  awareness.take()
  awareness.sweep(26_000)
  expect(awareness.hasChanged).toBe(false)
  awareness.receive(ann, [{ clientId: 1, clock: 2, state: state(1) }], 26_000)
  awareness.take()
  awareness.sweep(29_000)
  expect(awareness.take()).toEqual({ changed: [{ clientId: 2, clock: 1, state: 'null' }], shared: [] })
  awareness.sweep(54_000)
  expect(awareness.take().shared).toEqual([{ clientId: 1, clock: 2, state: 'null', userId: 'ann' }])
  expect(awareness.size).toBe(0)
  expect(ann.clientId).toBeNull()
})

test('[BOARD-51] the same person takes a client id over with news, another person and an echo do not', () => {
  const awareness = new BoardAwareness()
  const [old, fresh, tab, ben] = [speaker('ann'), speaker('ann'), speaker('ann'), speaker('ben')]
  awareness.receive(old, [{ clientId: 1, clock: 5, state: state(1) }], 0)
  // Another tab without a state of its own echoes what it hears.
  awareness.receive(tab, [{ clientId: 1, clock: 5, state: state(1) }], 0)
  awareness.receive(ben, [{ clientId: 1, clock: 9, state: state(9) }], 0)
  awareness.receive(ben, [{ clientId: 1, clock: 9, state: 'null' }], 0)
  expect([old, tab, ben].map(({ clientId }) => clientId)).toEqual([1, null, null])
  awareness.receive(fresh, [{ clientId: 1, clock: 6, state: state(2) }], 0)
  expect([old, fresh].map(({ clientId }) => clientId)).toEqual([null, 1])
  awareness.leave(old)
  expect(named(awareness)).toEqual({ 1: { cursor: 2, user: { id: 'ann', name: 'ANN' } } })
  awareness.leave(fresh)
  expect(awareness.size).toBe(0)
})

test('[BOARD-52] what another instance says of its clients ends by its word alone', () => {
  const awareness = new BoardAwareness()
  const ann = speaker('ann')
  awareness.receiveShared('other', [{ clientId: 1, clock: 3, state: state(1), userId: 'ann' }], 0)
  awareness.receiveShared('third', [{ clientId: 1, clock: 3, state: 'null', userId: 'ann' }], 0)
  expect(awareness.size).toBe(1)
  // She comes back here, before the other instance has noticed that she left.
  awareness.receive(ann, [{ clientId: 1, clock: 4, state: state(2) }], 0)
  awareness.receiveShared('other', [{ clientId: 1, clock: 3, state: 'null', userId: 'ann' }], 0)
  expect(named(awareness)[1].cursor).toBe(2)
  expect(awareness.own()).toHaveLength(1)
})
