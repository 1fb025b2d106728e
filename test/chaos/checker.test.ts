import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { check } from '../../scripts/chaos/checker.ts'
import { createHistory } from '../../scripts/chaos/history.ts'
import { KINDS } from '../../scripts/chaos/verdict.ts'
import { PLANTS } from './planted-faults.ts'
import { playRun, type Step } from './run-model.ts'

const ACTS: Step['act'][] = [
  ...(['send', 'send', 'send', 'dm', 'edit', 'edit', 'delete', 'react', 'pin', 'come-or-go'] as const),
  ...(['drop', 'drop', 'lag', 'lag', 'sync', 'repeat', 'conflict'] as const),
]
const step: fc.Arbitrary<Step> = fc.record({
  act: fc.constantFrom(...ACTS),
  a: fc.nat({ max: 1000 }),
  b: fc.nat({ max: 1000 }),
})
const runs = fc.array(step, { minLength: 10, maxLength: 120 })

describe('Chaos: the checker', { timeout: 60_000 }, () => {
  it('[CHAOS-01] finds nothing in runs as a right server makes them', () => {
    fc.assert(
      fc.property(runs, (steps) => {
        const verdict = check(playRun(steps))
        expect(verdict.examples).toEqual([])
        expect(verdict.total).toBe(0)
      }),
      { numRuns: 300 },
    )
  })

  for (const { kind, what, plant } of PLANTS)
    it(`[CHAOS-02] finds ${what} (${kind})`, () => {
      let planted = 0
      fc.assert(
        fc.property(fc.array(step, { minLength: 40, maxLength: 120 }), (steps) => {
          const history = structuredClone(playRun(steps))
          if (!plant(history)) return
          planted++
          expect(check(history).counts[kind]).toBeGreaterThan(0)
        }),
        { numRuns: 60 },
      )
      expect(planted).toBeGreaterThan(3)
    })

  it('[CHAOS-03] has a planted fault for every kind of anomaly', () => {
    expect(new Set(PLANTS.map((planted) => planted.kind))).toEqual(new Set(KINDS))
  })

  it('[CHAOS-04] changes nothing in the history that it reads', () => {
    fc.assert(
      fc.property(runs, (steps) => {
        const history = playRun(steps)
        const before = structuredClone(history)
        check(history)
        expect(history).toEqual(before)
      }),
      { numRuns: 30 },
    )
  })

  it('[CHAOS-05] counts all and shows the first few', () => {
    const history = createHistory()
    for (let i = 0; i < 100; i++) history.notices.push({ at: i, client: 'x', kind: 'refused', code: 'unauthenticated' })
    const verdict = check(history)
    expect(verdict.counts.badAck).toBe(100)
    expect(verdict.examples.length).toBeLessThan(20)
  })
})
