import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Change, connect } from '../../src/client/index.ts'
import { startScriptedServer } from '../support/scripted-server.ts'

const step = fc.constantFrom(
  'send',
  'send',
  'send',
  'edit',
  'break',
  'loseLive',
  'doubleLive',
  'loseAck',
  'dropBeforeStoring',
  'dropAfterStoring',
  'failSync',
  'wait',
)

test('[CLIENT-33] over real sockets, whatever breaks when: each send is stored once and in order, each change seen once', {
  timeout: 60_000,
}, async () => {
  let plays = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 40 }),
      fc.integer({ min: 1, max: 4 }),
      async (steps, page) => {
        const server = await startScriptedServer()
        server.pageLimit.value = page
        server.addRoom('r', 'ann', 'bob')
        const options = { url: server.url, backoff: { baseMs: 2, maxMs: 10 }, requestTimeoutMs: 60 }
        const [ann, bob] = ['ann', 'bob'].map((id) => connect({ ...options, token: server.addUser(id) }))
        const heard: Change[] = []
        const slow = connect({ ...options, token: 'token-bob', bufferLimit: 2 })
        // Chaos starts once the listeners have: what was said before is history to them.
        const listening = [bob!, slow].map(
          (client) => new Promise<void>((resolve) => void client.on('ready', () => resolve())),
        )
        const changes = slow.changes()
        const messages = slow.messages({ own: true })
        bob!.on('change', (change) => heard.push(change))
        await Promise.all(listening)
        const sent: Promise<unknown>[] = []
        for (const op of steps) {
          if (op === 'send') sent.push(ann!.send('r', `${sent.length}`))
          else if (op === 'edit') {
            const log = server.log('r')
            if (log.length > 0) server.change('r', log[log.length >> 1]!.payload.seq, 'room:message:edited', {})
          } else if (op === 'break') server.breakAll()
          else if (op === 'wait') await new Promise((resolve) => setTimeout(resolve, 8))
          else server.faults[op] += 1
        }
        await Promise.all(sent)
        server.faults.loseLive = 0
        server.faults.failSync = 0
        const marker = server.post('r', 'ann', 'end').payload.rev
        const log = server.log('r')
        const check = (revs: number[]) => {
          expect(revs).toEqual([...new Set(revs)].sort((a, b) => a - b))
          const seen = new Set(revs)
          const missing = log.filter(
            ({ payload: { rev, seq } }) =>
              !seen.has(rev) &&
              !log.some((e) => e.payload.seq === seq && e.payload.rev > rev && seen.has(e.payload.rev)),
          )
          expect(missing).toEqual([])
        }
        while (heard.at(-1)?.rev !== marker) await new Promise((resolve) => setTimeout(resolve, 5))
        check(heard.map((change) => change.rev))
        const slowly: number[] = []
        for (let rev = 0; rev !== marker; slowly.push(rev)) rev = (await changes.next()).value!.rev
        check(slowly)
        const stored = log.filter((entry) => entry.event === 'room:message').map((entry) => entry.payload.content)
        expect(stored).toEqual([...sent.map((_, i) => `${i}`), 'end'])
        const told: string[] = []
        while (told.length < stored.length) told.push((await messages.next()).value!.content)
        expect(told.sort()).toEqual([...stored].sort())
        await Promise.all([ann!.close(), bob!.close(), slow.close()])
        await server.close()
        plays += 1
      },
    ),
    { numRuns: 25, endOnFailure: true },
  )
  expect(plays).toBe(25)
})
