import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { features, spreadOf, sumsChange, vectorOf } from '../../src/services/matching/features.ts'
import { type Ground, type Sketch, scorePair, tagLikeness } from '../../src/services/matching/score.ts'
import {
  keyDistance,
  keyName,
  neighbouringKeys,
  parseKey,
  tempoBucketOf,
  tempoDistance,
  tempoLikeness,
} from '../../src/services/shared/harmony.ts'
import { instruments, readInstruments } from '../../src/services/shared/instruments.ts'
import { tellReasons } from '../../src/services/shared/reasons.ts'

const ground: Ground = { spread: spreadOf(null), users: 1_000, usersWith: (tag) => tag.length * 7 }
const tempo = fc.double({ min: 30, max: 300, noNaN: true })
const key = fc.integer({ min: 0, max: 23 })
const weight = fc.double({ min: 0.01, max: 1, noNaN: true })
const names = fc.uniqueArray(fc.constantFrom(...Object.keys(instruments)), { maxLength: 3 })
const sketch: fc.Arbitrary<Sketch> = fc.record({
  heard: fc.integer({ min: 0, max: 200 }),
  features: fc.array(fc.option(fc.double({ min: -6, max: 6, noNaN: true })), {
    minLength: features.length,
    maxLength: features.length,
  }),
  tempos: fc.array(fc.record({ bpm: tempo, weight }), { maxLength: 4 }),
  keys: fc.array(fc.record({ key, weight }), { maxLength: 4 }),
  tags: fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('jazz', 'ambient', 'dub', 'synth', 'folk'),
      count: fc.integer({ min: 1, max: 9 }),
    }),
    {
      selector: ({ name }) => name,
      maxLength: 5,
    },
  ),
  plays: names,
  needs: names,
})

describe('scores of matching', () => {
  it('[MAT-01] a score is symmetric, between 0 and 1, and best for two who are alike', () => {
    fc.assert(
      fc.property(sketch, sketch, (a, b) => {
        const [one, two] = [scorePair(a, b, ground), scorePair(b, a, ground)]
        expect(one.score).toBeCloseTo(two.score, 12)
        expect(one.score).toBeGreaterThanOrEqual(0)
        expect(one.score).toBeLessThanOrEqual(1)
        expect(one.reasons.firstNeeds).toEqual(two.reasons.secondNeeds)
        expect(one.reasons.bpm).toBe(two.reasons.bpm)
        expect(tellReasons(one.reasons, 'first').sort()).toEqual(tellReasons(flip(one.reasons), 'second').sort())
        expect(tagLikeness(a.tags, a.tags, ground).likeness).toBeCloseTo(a.tags.length > 0 ? 1 : 0, 9)
        const plain = { ...a, plays: [], needs: [] }
        expect(scorePair(plain, { ...plain }, ground).score).toBeGreaterThanOrEqual(
          scorePair(plain, { ...b, heard: a.heard, plays: [], needs: [] }, ground).score -
            (b.tags.length > a.tags.length || lacks(a) ? 1 : 1e-9),
        )
      }),
      { numRuns: 300 },
    )
    function lacks({ features: known, tempos, keys }: Sketch) {
      return known.every((value) => value === null) || tempos.length === 0 || keys.length === 0
    }
    function flip({ firstNeeds, secondNeeds, ...rest }: ReturnType<typeof scorePair>['reasons']) {
      return {
        ...rest,
        ...(secondNeeds && { firstNeeds: secondNeeds }),
        ...(firstNeeds && { secondNeeds: firstNeeds }),
      }
    }
  })

  it('[MAT-02] tempos are compared with octaves folded', () => {
    fc.assert(
      fc.property(tempo, tempo, fc.integer({ min: -3, max: 3 }), (a, b, octaves) => {
        const distance = tempoDistance(a, b)
        expect(distance).toBeGreaterThanOrEqual(0)
        expect(distance).toBeLessThanOrEqual(0.5)
        expect(tempoDistance(b, a)).toBeCloseTo(distance, 9)
        expect(tempoDistance(a * 2 ** octaves, b)).toBeCloseTo(distance, 9)
        expect(tempoLikeness(a, a * 2 ** octaves)).toBeCloseTo(1, 9)
        const { bucket, neighbour } = tempoBucketOf(a)
        expect(bucket).toBeGreaterThanOrEqual(0)
        expect(bucket).toBeLessThan(12)
        expect([1, 11]).toContain((neighbour - bucket + 12) % 12)
      }),
    )
    expect(tempoLikeness(92, 94)).toBeGreaterThan(0.8)
    expect(tempoLikeness(92, 130)).toBeLessThan(0.05)
  })

  it('[MAT-03] keys are compared along the circle of fifths, and read as people write them', () => {
    fc.assert(
      fc.property(key, key, key, fc.integer({ min: 0, max: 11 }), (a, b, c, by) => {
        const moved = (each: number) => (((each % 12) + by) % 12) + (each >= 12 ? 12 : 0)
        expect(keyDistance(a, b)).toBe(keyDistance(b, a))
        expect(keyDistance(a, b) === 0).toBe(a === b)
        expect(keyDistance(a, b)).toBeLessThanOrEqual(1)
        expect(keyDistance(a, c)).toBeLessThanOrEqual(keyDistance(a, b) + keyDistance(b, c) + 1e-12)
        expect(keyDistance(moved(a), moved(b))).toBe(keyDistance(a, b))
        expect(parseKey(keyName(a))).toBe(a)
        for (const near of neighbouringKeys(a)) expect(keyDistance(a, near)).toBeLessThanOrEqual(1 / 6.5)
        expect(new Set(neighbouringKeys(a)).size).toBe(3)
      }),
    )
    const distance = (a: string, b: string) => keyDistance(parseKey(a)!, parseKey(b)!)
    expect(distance('C', 'Am')).toBeLessThan(distance('C', 'G'))
    expect(distance('C', 'G')).toBe(distance('C', 'F'))
    expect(distance('C', 'G')).toBeLessThan(distance('C', 'D'))
    expect(distance('C', 'Ebm')).toBe(1)
    expect(['Db', 'C#m', 'F# minor', 'bb major', 'A♭', 'H', 'Cmaj7', ''].map(parseKey)).toEqual([
      1,
      13,
      18,
      10,
      8,
      undefined,
      undefined,
      undefined,
    ])
  })

  it('[MAT-04] features are scored by the catalogue’s spread, from running sums that come and go', () => {
    const values = Array.from({ length: 400 }, (_, at) => -20 + (at % 41) * 0.5)
    const totals = { counts: features.map(() => 0), sums: features.map(() => 0), squares: features.map(() => 0) }
    const apply = (inc: Record<string, number>) => {
      for (const [path, by] of Object.entries(inc)) {
        const [field, at] = path.split('.') as [keyof typeof totals, string]
        totals[field][Number(at)]! += by
      }
    }
    const vectors = values.map((value) => vectorOf((metric) => (metric === 'Integrated Loudness' ? value : Number.NaN)))
    for (const vector of vectors) apply(sumsChange([[vector, 1]]))
    const { means, deviations } = spreadOf(totals)
    const average = values.reduce((sum, value) => sum + value, 0) / values.length
    expect(Math.abs(means[0]! * 5 - 14 - average)).toBeLessThan(0.2)
    expect(deviations[0]! * 5).toBeGreaterThan(5.5)
    expect(deviations[0]! * 5).toBeLessThan(6.3)
    expect(deviations[1]).toBe(1)
    for (const vector of vectors) apply(sumsChange([[vector, -1]]))
    expect(totals.counts[0]).toBe(0)
    expect(totals.squares[0]).toBeCloseTo(0, 9)
  })

  it('[MAT-05] reads what one plays and what is sought, and says why two match', () => {
    expect(readInstruments('Plays guitar and sings. Looking for a drummer')).toEqual({
      has: new Set(['guitar', 'vocals']),
      seeks: new Set(['drums']),
    })
    expect(readInstruments('Slow jam, needs bass (and a Sängerin)').seeks).toEqual(new Set(['bass']))
    expect(readInstruments('Schlagzeuger gesucht').seeks).toEqual(new Set(['drums']))
    const base = (more: Partial<Sketch>): Sketch => ({
      heard: 4,
      features: features.map(() => 0),
      tempos: [{ bpm: 91, weight: 1 }],
      keys: [{ key: parseKey('Am')!, weight: 1 }],
      tags: [],
      plays: [],
      needs: [],
      ...more,
    })
    const seeker = base({ needs: ['drums'] })
    const drummer = base({ plays: ['drums'], tempos: [{ bpm: 186, weight: 1 }] })
    const { score, reasons } = scorePair(seeker, drummer, ground)
    expect(score).toBeGreaterThan(scorePair({ ...seeker, needs: [] }, drummer, ground).score)
    expect(tellReasons(reasons, 'first').slice(0, 2)).toEqual([
      'your open project lacks a drummer, and this user drums',
      'both near 92 BPM in minor keys',
    ])
    expect(tellReasons(reasons, 'second')[0]).toBe('their open project lacks a drummer, as you are by your profile')
  })
})
