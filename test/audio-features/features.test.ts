import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { FeatureExtractor } from '../../src/audio/features/extractor.ts'
import { keyName } from '../../src/audio/features/key.ts'
import { chords, clickTrack, extract } from './signals.ts'

// Nothing but arithmetic: on a machine with other work it takes its time.
vi.setConfig({ testTimeout: 120_000 })

const RATE = 22_050
/** I vi IV V I, or i VI iv V i, over a tonic, twice, each chord in the same register above its bass. */
const cadence = (tonic: number, minor: boolean) => {
  const triads = minor
    ? [
        [0, 3, 7],
        [8, 0, 3],
        [5, 8, 0],
        [7, 11, 2],
        [0, 3, 7],
      ]
    : [
        [0, 4, 7],
        [9, 0, 4],
        [5, 9, 0],
        [7, 11, 2],
        [0, 4, 7],
      ]
  const once = triads.map((triad) => [
    36 + ((triad[0]! + tonic) % 12),
    ...triad.map((note) => 55 + ((note + tonic + 5) % 12)),
  ])
  return [...once, ...once]
}

describe('tempo', () => {
  test('[EAR-30] clicks have their tempo within 1 %, beats on the clicks, and are steady', () => {
    for (const bpm of [72, 90, 100.7, 120, 133.3, 150]) {
      const { tempo } = extract(RATE, [clickTrack(RATE, bpm, 20)])
      expect(Math.abs(tempo!.bpm / bpm - 1), `${tempo!.bpm} instead of ${bpm}`).toBeLessThan(0.01)
      const inner = tempo!.beats.filter((beat) => beat > 1 && beat < 19)
      for (const beat of inner) {
        const click = (Math.round((beat * bpm) / 60) * 60) / bpm
        expect(Math.abs(beat - click)).toBeLessThan(0.035)
      }
      expect(inner.length).toBeGreaterThan((17 * bpm) / 60)
      expect(tempo!.stability).toBeGreaterThan(0.85)
    }
  })

  test('[EAR-31] silence, a steady tone and a second of sound have no tempo, or one of little confidence', () => {
    const steady = Float32Array.from({ length: RATE * 10 }, (_, i) => 0.3 * Math.sin(i * 0.1))
    expect(extract(RATE, [new Float32Array(RATE * 10)]).tempo).toBeNull()
    expect(extract(RATE, [steady]).tempo?.confidence ?? 0).toBeLessThan(0.6)
    expect(extract(RATE, [clickTrack(RATE, 120, 1)]).tempo).toBeNull()
  })

  test('[EAR-32] a tempo that rises is followed by the curve, and is less steady', () => {
    const seconds = 60
    const out = new Float32Array(seconds * RATE)
    let at = 0
    while (at < seconds - 0.1) {
      const start = Math.round(at * RATE)
      for (let i = 0; i < 600; i++) out[start + i]! += 0.7 * Math.exp(-i / 90) * Math.sin(i * 0.4)
      at += 60 / (110 + (10 * at) / seconds)
    }
    const { tempo } = extract(RATE, [out])
    const curve = tempo!.curve
    expect(curve.length).toBeGreaterThan(3)
    expect(curve[curve.length - 1]!.bpm).toBeGreaterThan(curve[0]!.bpm + 3)
    const steady = extract(RATE, [clickTrack(RATE, 115, seconds)]).tempo!
    expect(tempo!.stability).toBeLessThan(steady.stability)
  })
})

describe('key', () => {
  test('[EAR-33] a cadence has its key, in all twelve, major and minor', () => {
    for (const minor of [false, true]) {
      for (let tonic = 0; tonic < 12; tonic++) {
        const { key } = extract(RATE, [chords(RATE, cadence(tonic, minor), 0.5)])
        expect(key!.name).toBe(keyName(tonic, minor ? 'minor' : 'major'))
      }
    }
  })

  test('[EAR-34] the tuning is found, and does not move the key', () => {
    for (const cents of [-40, -20, 0, 20, 40]) {
      const { key } = extract(RATE, [chords(RATE, cadence(2, false), 0.8, cents)])
      expect(key!.name).toBe('D')
      expect(Math.abs(key!.tuning - cents)).toBeLessThan(6)
    }
  })

  test('[EAR-35] silence has no key', () => {
    expect(extract(RATE, [new Float32Array(RATE * 5)]).key).toBeNull()
  })
})

describe('levels', () => {
  const rate = 44_100
  const tone = (hz: number, amplitude: number, seconds = 2) =>
    Float32Array.from({ length: rate * seconds }, (_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / rate))

  test('[EAR-40] width and correlation of mono, unlike and inverse channels', () => {
    const a = tone(440, 0.5)
    const stereo = (right: Float32Array) => extract(rate, [a, right]).levels.stereo!
    expect(stereo(a)).toMatchObject({ width: 0, balance: 0 })
    expect(stereo(a).correlation).toBeCloseTo(1, 6)
    expect(stereo(a.map((v) => -v)).width).toBeCloseTo(1, 6)
    expect(stereo(a.map((v) => -v)).correlation).toBeCloseTo(-1, 6)
    expect(stereo(tone(550, 0.5)).width).toBeCloseTo(Math.SQRT1_2, 3)
    expect(stereo(tone(550, 0.5)).correlation).toBeCloseTo(0, 3)
    expect(stereo(new Float32Array(a.length))).toMatchObject({ correlation: null, balance: -1 })
    expect(extract(rate, [a]).levels.stereo).toBeNull()
  })

  test('[EAR-41] the crest of a sine is 3 dB', () => {
    const { levels } = extract(rate, [tone(440, 0.5)])
    expect(20 * Math.log10(levels.samplePeak / levels.rms)).toBeCloseTo(3.01, 1)
  })

  test('[EAR-42] clipped runs are counted, and a lone full sample is none', () => {
    const clipped = tone(100, 2, 1).map((v) => Math.max(-1, Math.min(1, v)))
    expect(extract(rate, [clipped]).levels.clipping.runs).toBe(200)
    expect(extract(rate, [clipped]).levels.clipping.ratio).toBeGreaterThan(0.5)
    const lone = tone(100, 0.5, 1)
    lone[1000] = 1
    expect(extract(rate, [lone]).levels.clipping).toEqual({ runs: 0, samples: 0, ratio: 0 })
  })

  test('[EAR-43] silence is found before, after and within', () => {
    const sound = new Float32Array(rate * 10)
    sound.set(tone(440, 0.5, 2), rate)
    sound.set(tone(440, 0.5, 2), rate * 6)
    const { silence } = extract(rate, [sound]).levels
    expect(silence.leading).toBeCloseTo(1, 1)
    expect(silence.trailing).toBeCloseTo(2, 1)
    expect(silence.longest).toBeCloseTo(3, 1)
    expect(silence.ratio).toBeCloseTo(0.6, 1)
  })

  test('[EAR-44] the centroid of a tone is its frequency, and noise is flatter than it', () => {
    let state = 1
    const noise = Float32Array.from({ length: rate }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state / 2 ** 31 - 1
    })
    const pure = extract(rate, [tone(2_000, 0.5)]).moments
    const rough = extract(rate, [noise]).moments
    expect(Math.abs(pure.centroid! - 2_000)).toBeLessThan(60)
    expect(pure.flatness!).toBeLessThan(0.01)
    expect(rough.flatness!).toBeGreaterThan(0.4)
    expect(extract(rate, [new Float32Array(rate)]).moments.centroid).toBeNull()
  })
})

describe('structure', () => {
  test('[EAR-45] parts that differ are told apart, and one that comes back has its label again', () => {
    const low = chords(
      RATE,
      Array.from({ length: 30 }, () => [48, 52, 55]),
      0.8,
    )
    const high = chords(
      RATE,
      Array.from({ length: 30 }, () => [78, 81, 85]),
      0.8,
    ).map((v, i) => v + 0.05 * Math.sin(i * i))
    const sound = new Float32Array(low.length * 2 + high.length)
    sound.set(low)
    sound.set(high, low.length)
    sound.set(low, low.length + high.length)
    const { sections } = extract(RATE, [sound])
    expect(sections.map(({ label }) => label)).toEqual(['A', 'B', 'A'])
    expect(Math.abs(sections[1]!.start - 24)).toBeLessThan(2)
    expect(Math.abs(sections[2]!.start - 48)).toBeLessThan(2)
    expect(sections[2]!.end).toBeCloseTo(72, 1)
  })
})

describe('the stream', () => {
  test('[EAR-50] chunks of any size give the same result', () => {
    const rate = 44_100
    const left = clickTrack(rate, 125, 6)
    const tonal = chords(rate, cadence(0, false), 1.2)
    const right = left.map((v, i) => v + (tonal[i] ?? 0))
    const expected = extract(rate, [left, right], [left.length])
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 6 }), (sizes) => {
        // Chunks of one sample take their time: a few will do.
        const chunks = sizes.every((size) => size < 500) ? [...sizes, 5_000] : sizes
        expect(extract(rate, [left, right], chunks)).toEqual(expected)
      }),
      { numRuns: 6 },
    )
  })

  test('[EAR-51] gain changes neither tempo, key, onsets nor spectrum', () => {
    const sound = chords(RATE, [...cadence(4, true), ...cadence(4, true)], 0.5)
    const loud = extract(RATE, [sound])
    for (const gain of [0.1, 0.5, 2]) {
      const other = extract(RATE, [sound.map((v) => v * gain)])
      expect(other.tempo!.bpm).toBeCloseTo(loud.tempo!.bpm, 1)
      expect(other.key!.name).toBe(loud.key!.name)
      expect(other.key!.strength).toBeCloseTo(loud.key!.strength, 3)
      expect(Math.abs(other.onsets.count - loud.onsets.count)).toBeLessThanOrEqual(1)
      expect(other.moments.centroid!).toBeCloseTo(loud.moments.centroid!, 0)
    }
  })

  test('[EAR-52] samples that are no numbers, no samples, and odd rates do no harm', () => {
    const sick = clickTrack(RATE, 100, 5)
    for (let i = 0; i < sick.length; i += 37) sick[i] = [Number.NaN, Number.POSITIVE_INFINITY, 0][i % 3]!
    const features = extract(RATE, [sick])
    expect(Number.isFinite(features.levels.rms)).toBe(true)
    expect(Number.isFinite(features.loudness.integrated!)).toBe(true)
    expect(extract(RATE, [new Float32Array(0)]).seconds).toBe(0)
    for (const rate of [8_000, 11_025, 44_056, 192_000]) {
      const { tempo } = extract(rate, [clickTrack(rate, 110, 8)])
      expect(Math.abs(tempo!.bpm / 110 - 1)).toBeLessThan(0.01)
    }
    expect(() => new FeatureExtractor(0, 1)).toThrow(RangeError)
    expect(() => new FeatureExtractor(44_100, 0)).toThrow(RangeError)
  })
})
