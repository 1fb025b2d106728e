import { describe, expect, it } from 'vitest'
import { FAULT_KINDS, type FaultKind, planFaults } from '../../scripts/chaos/faults.ts'
import { parseOptions } from '../../scripts/chaos/options.ts'
import { countKills, findTooLittle } from '../../scripts/chaos/report.ts'
import { createRandom } from '../../scripts/shared/random.ts'

const plan = (seed: number, minutes: number) => planFaults(createRandom(seed), minutes * 60_000)
const tally = (faults: { kind: FaultKind }[]): Record<FaultKind, number> =>
  Object.fromEntries(FAULT_KINDS.map((kind) => [kind, faults.filter((fault) => fault.kind === kind).length])) as Record<
    FaultKind,
    number
  >

describe('Chaos: the schedule', () => {
  it('[CHAOS-06] is the same for the same seed, and another for another', () => {
    expect(plan(7, 5)).toEqual(plan(7, 5))
    expect(plan(7, 5)).not.toEqual(plan(8, 5))
  })

  it('[CHAOS-07] kills over 100 processes in five minutes, in order, within the run', () => {
    const faults = plan(1, 5)
    expect(countKills(tally(faults))).toBeGreaterThan(100)
    expect(faults.map((fault) => fault.at)).toEqual(faults.map((fault) => fault.at).sort((a, b) => a - b))
    expect(faults.every((fault) => fault.at >= 0 && fault.at < 300_000)).toBe(true)
  })

  it('[CHAOS-08] does not let a run pass that did too little', () => {
    const full = tally(plan(1, 1))
    expect(findTooLittle(60, countKills(full), 1201, 10_001, full)).toEqual([])
    expect(findTooLittle(60, 0, 1201, 10_001, full)).toHaveLength(1)
    expect(findTooLittle(60, 24, 1200, 10_001, full)).toHaveLength(1)
    expect(findTooLittle(60, 24, 1201, 0, full)).toHaveLength(1)
    expect(findTooLittle(60, 24, 1201, 10_001, { ...full, 'kill mongod': 0 })).toHaveLength(1)
    expect(findTooLittle(300, 100, 10_001, 50_001, full)).toHaveLength(1)
  })

  it('[CHAOS-09] names the argument that it does not take', () => {
    expect(parseOptions(['--minutes', '5', '--seed', '3', '--naive'])).toMatchObject({
      seconds: 300,
      seed: 3,
      naive: true,
    })
    expect(() => parseOptions(['--minutes', 'x'])).toThrow('--minutes')
    expect(() => parseOptions(['--fast'])).toThrow('--fast')
    expect(() => parseOptions(['--json'])).toThrow('--json')
  })
})
