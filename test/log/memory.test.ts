import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../scripts/shared/random.ts'
import { AppError } from '../../src/kernel/errors.ts'
import type { LogRecord } from '../../src/log/types.ts'
import {
  createHub,
  createInstance,
  createMemoryStore,
  draftOf,
  faultsOf,
  faultsOfDelivery,
  type Instance,
  refuseClosed,
  wait,
} from '../support/logs.ts'

const logs = ['r:1', 'r:2']
const number = (max: number) => fc.integer({ min: 0, max })
const action = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('append' as const), who: number(2), client: number(30) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('change' as const), pick: number(50) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('together' as const), count: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const), alone: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pause' as const), ms: number(20) }) },
)
const step = fc.tuple(number(2), number(1), action)

interface Acked {
  logId: string
  record: LogRecord
  key?: string
  content?: string
}

async function run(seed: number, steps: [number, number, any][], rough: boolean) {
  const random = createRandom(seed).next
  const faults = rough
    ? { before: 0.06, after: 0.06, late: 0.04, delay: 3, lag: 2 }
    : { before: 0, after: 0, late: 0, delay: 2, lag: 1 }
  const memory = createMemoryStore(random, faults)
  const hub = createHub(random, rough ? { lost: 0.3, twice: 0.2, delay: 8 } : { lost: 0, twice: 0, delay: 2 })
  const all: Instance[] = []
  const live: Instance[] = []
  const acked: Acked[] = []
  const contents = new Map<string, string>()
  const outcomes: Promise<void>[] = []
  const problems: string[] = []

  const start = async () => {
    const instance = createInstance(memory.store, hub.join(`i${all.length}`))
    all.push(instance)
    for (let tries = 0; ; tries++) {
      try {
        const opened = await instance.log.acquire(logs)
        for (const { logId, rev } of opened) {
          instance.from.set(logId, instance.delivered.get(logId)?.[0]?.prevRev ?? rev)
        }
        break
      } catch (error) {
        if (tries > 50) throw error
      }
    }
    live.push(instance)
  }
  await Promise.all([start(), start()])

  const track = <T>(work: Promise<T>, done: (result: T) => void, key?: { name: string; content: string }) => {
    const outcome = work.then(done, (error) => {
      if (!(error instanceof AppError)) problems.push(`threw ${error}`)
      else if (error.code === 'conflict' && key && contents.get(key.name) === key.content) {
        const others = acked.filter((entry) => entry.key === key.name)
        if (others.some((entry) => entry.content === key.content)) problems.push(`false conflict on ${key.name}`)
      } else if (!['unavailable', 'forbidden', 'conflict'].includes(error.code)) problems.push(`refused ${error}`)
    })
    outcomes.push(outcome)
  }

  for (const [at, where, what] of steps) {
    const instance = live[at % live.length]!
    const logId = logs[where]!
    if (what.do === 'append') {
      const senderId = 'abc'[what.who]!
      const clientId = `c${what.client}`
      const name = `${logId} ${senderId} ${clientId}`
      const content = what.client % 7 === 0 ? String(random()) : clientId
      if (!contents.has(name)) contents.set(name, content)
      const draft = draftOf({ senderId, clientId, content })
      track(
        instance.log.append(logId, draft, refuseClosed),
        (record) => acked.push({ logId, record, key: name, content }),
        { name, content },
      )
    } else if (what.do === 'change') {
      const known = acked.filter((entry) => entry.logId === logId)
      const target = known[what.pick % Math.max(1, known.length)]
      if (!target) continue
      const mark = String(random())
      const options = {
        current: target.record,
        event: 'room:update',
        transform: (current: LogRecord) =>
          ((current['marks'] ?? []) as string[]).includes(mark)
            ? null
            : { marks: [...((current['marks'] ?? []) as string[]), mark] },
      }
      track(instance.log.change(logId, options), (record) => {
        acked.push({ logId, record })
        if (!(record['marks'] as string[]).includes(mark)) problems.push('a change was acked without being made')
      })
    } else if (what.do === 'together') {
      const drafts = Array.from({ length: what.count }, () => draftOf({ senderId: 'd' }))
      track(
        instance.log.appendWith(logId, drafts, async () => {}, refuseClosed),
        (records) => acked.push(...records.map((record) => ({ logId, record }))),
      )
    } else if (what.do === 'close' && random() < 0.4) {
      const draft = draftOf({ kind: 'Close', event: 'room:closed', counts: false })
      const work = what.alone
        ? instance.log.appendWith(logId, [draft], async () => {}).then((records) => records[0]!)
        : instance.log.append(logId, draft)
      track(work, (record) => acked.push({ logId, record }))
    } else if (what.do === 'crash' && live.length > 1) {
      live.splice(live.indexOf(instance), 1)
      instance.crash()
      await start()
    } else if (what.do === 'pause') await wait(what.ms)
  }

  const hung = Symbol('hung')
  if ((await Promise.race([Promise.all(outcomes), wait(60_000).then(() => hung)])) === hung) problems.push('hung')
  await wait(80)
  await memory.settled()
  const entries = memory.all()
  // Everything is delivered in the end, whatever was lost.
  const end = Date.now() + 30_000
  const behind = () =>
    live.some(({ log }) =>
      logs.some((logId) => {
        const head = Math.max(0, ...entries.filter((entry) => entry.logId === logId).map((entry) => entry.rev))
        return log.get(logId)!.rev < head
      }),
    )
  while (behind() && Date.now() < end) await wait(10)

  for (const logId of logs) {
    const own = entries.filter((entry) => entry.logId === logId)
    const owner = (rev: number) => memory.slots.get(`${logId} ${rev}`)
    problems.push(...faultsOf(own, owner).map((fault) => `${logId}: ${fault}`))
    for (const [index, instance] of live.entries()) {
      const delivered = instance.delivered.get(logId) ?? []
      const found = faultsOfDelivery(own, owner, instance.from.get(logId)!, delivered)
      problems.push(...found.map((fault) => `${logId} on ${index}: ${fault}`))
    }
    const byId = new Map(own.map((entry) => [entry._id, entry]))
    const answers = new Map<string, string>()
    for (const { record, key, content, ...entry } of acked) {
      if (entry.logId !== logId) continue
      const stored = byId.get(record._id)
      if (!stored) problems.push(`${record._id} was acked and is not stored`)
      else if (stored.firstRev !== record.firstRev || stored.seq !== record.seq) problems.push('an acked place moved')
      else if (owner(record.rev) !== record._id) problems.push('an acked rev belongs to another')
      if (key) {
        if ((answers.get(key) ?? record._id) !== record._id) problems.push(`${key} was answered with two entries`)
        answers.set(key, record._id)
        if (stored && (stored['content'] as string) !== content) problems.push(`${key} was acked with other content`)
      }
    }
    const closedAt = Math.min(...own.filter((entry) => entry.kind === 'Close').map((entry) => entry.firstRev))
    for (const entry of own) {
      if (entry.kind !== 'Close' && entry.firstRev > closedAt) problems.push(`${entry.firstRev} landed after the close`)
    }
    const ends = entries.filter((entry) => entry.logId === logId)
    const { log } = live[0]!
    let cursor = 0
    const synced: number[] = []
    for (let round = 0; round < 200; round++) {
      const [answer] = await log.sync([{ logId, rev: cursor }], 7).catch(() => [null])
      if (!answer) continue
      for (const change of answer.changes) synced.push((change.payload as { rev: number }).rev)
      cursor = answer.rev
      if (!answer.more) break
    }
    const expected = ends.map((entry) => entry.rev).sort((one, other) => one - other)
    if (synced.join() !== expected.join()) problems.push(`${logId}: sync gave ${synced}, not ${expected}`)
  }
  for (const instance of live) {
    const holds = logs.map((logId) => (instance.log.get(logId) as unknown as { holds: number }).holds)
    if (holds.some((count) => count !== 1)) problems.push(`logs are held ${holds} times`)
    instance.crash()
  }
  return problems
}

describe('The log on a store in memory', () => {
  it('[LOG-01] keeps its promises whatever two or three instances do at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.array(step, { minLength: 20, maxLength: 120 }), async (seed, steps) => {
        expect(await run(seed, steps, false)).toEqual([])
      }),
      { numRuns: Number(process.env['LOG_RUNS'] ?? 40), endOnFailure: true },
    )
  })

  it('[LOG-02] keeps them with writes of unknown outcome, lagging reads and a bus that loses, repeats and reorders', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.array(step, { minLength: 20, maxLength: 120 }), async (seed, steps) => {
        expect(await run(seed, steps, true)).toEqual([])
      }),
      { numRuns: Number(process.env['LOG_RUNS'] ?? 20), endOnFailure: true },
    )
  }, 180_000)
})
