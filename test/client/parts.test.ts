import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { localStorageCursors, parseCursors } from '../../src/client/cursor-store.ts'
import { Emitter } from '../../src/client/emitter.ts'
import { createClientId } from '../../src/client/options.ts'
import { backoffDelay } from '../../src/client/waiting.ts'

test('[CLIENT-38] delays between attempts are random from nothing to a doubling, bounded end', () => {
  fc.assert(
    fc.property(fc.nat(2_000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
      const end = Math.min(30_000, 1_000 * 2 ** attempt)
      expect(backoffDelay(attempt, { baseMs: 1_000, maxMs: 30_000 }, () => random)).toBeCloseTo(random * end, 6)
    }),
  )
})

test('[CLIENT-39] cursors come back from localStorage as they were; what is not cursors counts as none', () => {
  const kept = new Map<string, string>()
  const storage = {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, text: string) => void kept.set(name, text),
  }
  const store = localStorageCursors('here', storage)
  expect(store.load()).toBe(null)
  const cursors = {
    userId: 'u',
    logs: { 'room:r': { rev: 3, seq: null, since: '' }, 'dm:a': { rev: 0, seq: 0, since: '' } },
  }
  store.save(cursors)
  expect(store.load()).toEqual(cursors)
  const broken = ['', '{', 'null', '[]', '{"userId":"u"}', '{"userId":"u","logs":{"room:r":{"rev":"3"}}}']
  for (const text of broken) expect(parseCursors(text)).toBe(null)
  fc.assert(fc.property(fc.json(), (text) => parseCursors(text) === null || typeof parseCursors(text) === 'object'))
})

test('[CLIENT-40] a handler that throws keeps nothing from the others, and its error is not lost', () => {
  const later: (() => void)[] = []
  vi.stubGlobal('queueMicrotask', (task: () => void) => later.push(task))
  const emitter = new Emitter<{ said: string }>()
  const heard: string[] = []
  emitter.on('said', () => {
    throw new Error('broken handler')
  })
  const stop = emitter.on('said', (text) => heard.push(text))
  emitter.emit('said', 'one')
  stop()
  emitter.emit('said', 'two')
  vi.unstubAllGlobals()
  expect(heard).toEqual(['one'])
  expect(later.length).toBe(2)
  expect(later[0]).toThrow('broken handler')
})

test('[CLIENT-41] client ids are UUIDs, also where randomUUID is missing', () => {
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  expect(createClientId()).toMatch(uuid)
  vi.stubGlobal('crypto', { getRandomValues: globalThis.crypto.getRandomValues.bind(globalThis.crypto) })
  const ids = new Set(Array.from({ length: 1_000 }, createClientId))
  vi.unstubAllGlobals()
  expect(ids.size).toBe(1_000)
  for (const id of ids) expect(id).toMatch(uuid)
})
