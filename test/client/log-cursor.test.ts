import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LogCursor } from '../../src/client/log-cursor.ts'
import { MessageSight } from '../../src/client/message-sight.ts'

interface TestChange {
  rev: number
  prevRev: number | undefined
  message: number
  seq: number
  sentAt: string
  isSending: boolean
}

/** A log as the server keeps it, and one socket as the server believes to have fed it. */
class ModelLog {
  changes: TestChange[] = []
  given = 0
  messages = 0

  append(editOf?: number): void {
    const rev = this.changes.length + 1
    const isSending = editOf === undefined || this.messages === 0
    const message = isSending ? ++this.messages : 1 + (editOf % this.messages)
    this.changes.push({ rev, prevRev: undefined, message, seq: message, sentAt: '2', isSending })
  }

  get head(): number {
    return this.changes.length
  }

  latest(after: number): TestChange[] {
    const byMessage = new Map(this.changes.map((change) => [change.message, change]))
    return [...byMessage.values()].filter((change) => change.rev > after).sort((a, b) => a.rev - b.rev)
  }

  /** The next live change, with the rev before it as this socket was given it. */
  next(superseded: boolean): TestChange | undefined {
    const found = superseded ? this.latest(this.given)[0] : this.changes[this.given]
    if (!found) return undefined
    const live = { ...found, prevRev: this.given }
    this.given = found.rev
    return live
  }

  page(from: number, limit: number) {
    const after = this.latest(from)
    const changes = after.slice(0, limit)
    const more = after.length > limit
    return { changes, rev: more ? changes.at(-1)!.rev : this.head, more }
  }
}

const step = fc.oneof(
  fc.record({ op: fc.constant('append' as const), edit: fc.option(fc.nat(20), { nil: undefined }) }),
  fc.record({ op: fc.constantFrom('live', 'fill', 'lose', 'double', 'swap') }),
  fc.record({ op: fc.constant('reconnect' as const) }),
  fc.record({ op: fc.constant('ask' as const), limit: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ op: fc.constantFrom('answer', 'fail') }),
)

/** Plays the steps, then a good connection to the end; returns the log and what the cursor gave out. */
function play(start: number, steps: any[], holdLimit: number) {
  const log = new ModelLog()
  for (let i = 0; i < start; i += 1) log.append()
  log.given = log.head
  const cursor = new LogCursor<TestChange>(log.head, holdLimit)
  const out: TestChange[] = []
  let asked: { from: number; page: ReturnType<ModelLog['page']> } | null = null
  const live = (change: TestChange | undefined) => change && out.push(...cursor.takeLive(change))
  for (const { op, edit, limit } of steps) {
    if (op === 'append') log.append(edit)
    if (op === 'live') live(log.next(false))
    if (op === 'fill') for (let c = log.next(true); c; c = log.next(true)) live(c)
    if (op === 'lose') log.next(false)
    if (op === 'double') {
      const change = log.next(false)
      live(change)
      live(change)
    }
    if (op === 'swap') {
      const [first, second] = [log.next(false), log.next(false)]
      live(second)
      live(first)
    }
    if (op === 'reconnect') {
      asked = null
      log.given = log.head
      cursor.compareHead(log.head)
    }
    // The server reads when asked; the answer arrives some steps later.
    if (op === 'ask' && cursor.behind && !asked) asked = { from: cursor.rev, page: log.page(cursor.rev, limit!) }
    if (op === 'answer' && asked) {
      out.push(...cursor.takePage(asked.from, asked.page))
      asked = null
    }
    if (op === 'fail') asked = null
  }
  log.given = log.head
  cursor.compareHead(log.head)
  for (let i = 0; cursor.behind && i < 1_000; i += 1) out.push(...cursor.takePage(cursor.rev, log.page(cursor.rev, 3)))
  return { log, cursor, out }
}

const plays = fc.tuple(fc.nat(3), fc.array(step, { maxLength: 60 }), fc.constantFrom(0, 1, 3, 256))

describe('log cursor', () => {
  test('[CLIENT-01] any interleaving of live changes, losses, repeats, syncs and reconnects gives each change once, in order', () => {
    fc.assert(
      fc.property(plays, ([start, steps, holdLimit]) => {
        const { log, cursor, out } = play(start, steps, holdLimit)
        expect(cursor.behind).toBe(false)
        expect(cursor.rev).toBe(log.head)
        const revs = out.map((change) => change.rev)
        expect(revs).toEqual([...new Set(revs)].sort((a, b) => a - b))
        const seen = new Set(revs)
        for (const change of log.changes.slice(start)) {
          const later = log.changes.some((c) => c.message === change.message && c.rev > change.rev && seen.has(c.rev))
          expect(seen.has(change.rev) || later, `rev ${change.rev} is missing`).toBe(true)
        }
        expect(revs.every((rev) => rev > start)).toBe(true)
      }),
      { numRuns: 3_000 },
    )
  })

  test('[CLIENT-02] holds no more than its bound while behind, and syncs again for what it let go', () => {
    const cursor = new LogCursor<{ rev: number; prevRev: number | undefined }>(0, 2)
    for (const rev of [3, 4, 5, 6]) expect(cursor.takeLive({ rev, prevRev: rev - 1 })).toEqual([])
    const page = { changes: [1, 2].map((rev) => ({ rev, prevRev: undefined })), rev: 2, more: false }
    expect(cursor.takePage(0, page).map((c) => c.rev)).toEqual([1, 2])
    expect(cursor.behind).toBe(true)
    const rest = { changes: [3, 4, 5, 6].map((rev) => ({ rev, prevRev: undefined })), rev: 6, more: false }
    expect(cursor.takePage(2, rest).map((c) => c.rev)).toEqual([3, 4, 5, 6])
    expect(cursor.behind).toBe(false)
  })

  test('[CLIENT-03] a page from beyond the cursor is not taken', () => {
    const cursor = new LogCursor<{ rev: number; prevRev: number | undefined }>(4)
    cursor.fallBehind()
    expect(cursor.takePage(6, { changes: [{ rev: 7, prevRev: 6 }], rev: 7, more: false })).toEqual([])
    expect(cursor.rev).toBe(4)
    expect(cursor.behind).toBe(true)
  })
})

describe('message sight', () => {
  test('[CLIENT-04] each message is new once, also where its sending was superseded by a change of it', () => {
    fc.assert(
      fc.property(plays, fc.boolean(), ([start, steps, holdLimit], seqKnown) => {
        const { log, out } = play(start, steps, holdLimit)
        // Messages before the start were sent before the time since which the log is followed.
        const sight = new MessageSight(seqKnown ? start : null, '1')
        const fresh = out
          .map((change) => (change.seq <= start ? { ...change, sentAt: '0' } : change))
          .filter((change) => sight.see(change, change.isSending))
          .map((change) => change.seq)
        const expected = Array.from({ length: log.messages - start }, (_, i) => start + 1 + i)
        expect([...fresh].sort((a, b) => a - b)).toEqual(expected)
      }),
      { numRuns: 2_000 },
    )
  })

  test('[CLIENT-05] stays bounded over a seq that never comes', () => {
    const sight = new MessageSight(0, '')
    for (let seq = 2; seq <= 1_500; seq += 1) expect(sight.see({ seq, sentAt: '1' }, true)).toBe(true)
    expect(sight.base).toBe(1_500)
  })
})
