import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { TruePeakMeter } from '../../src/audio/features/true-peak.ts'
import { measureLoudness, tones } from './signals.ts'

// Nothing but arithmetic: on a machine with other work it takes its time.
vi.setConfig({ testTimeout: 120_000 })

const within = (value: number | null, expected: number, tolerance: number) => {
  expect(value).not.toBeNull()
  expect(Math.abs(value! - expected), `${value} instead of ${expected}`).toBeLessThanOrEqual(tolerance)
}

function truePeak(rate: number, samples: Float32Array): number {
  const meter = new TruePeakMeter(rate)
  meter.push(samples, samples.length)
  return 20 * Math.log10(meter.peak)
}

/** A sine of so many samples a period, 10 ms faded in and out. */
function faded(rate: number, period: number, amplitude: number, degrees: number): Float32Array {
  const fade = rate / 100
  return Float32Array.from({ length: rate }, (_, i) => {
    const gain = Math.min(1, i / fade, (rate - i) / fade)
    return gain * amplitude * Math.sin((2 * Math.PI * i) / period + (degrees * Math.PI) / 180)
  })
}

/**
 * Cases 20 to 23: fs/6 at 0.5 with one period of fs/4 at 1.0 in it, made at four times the rate, low-passed, and every
 * fourth sample taken from `offset`.
 */
function burst(rate: number, offset: number): Float32Array {
  const length = rate
  const made = new Float64Array(length)
  const middle = Math.floor(length / 2 / 24) * 24
  for (let i = 0; i < length; i++) {
    const gain = Math.min(1, i / (rate / 25), (length - i) / (rate / 25))
    const inBurst = i >= middle && i < middle + 16
    const after = i >= middle + 16 ? i - 16 : i
    made[i] = inBurst ? Math.sin((2 * Math.PI * (i - middle)) / 16) : gain * 0.5 * Math.sin((2 * Math.PI * after) / 24)
  }
  const reach = 255
  const taps = Float64Array.from({ length: 2 * reach + 1 }, (_, t) => {
    const x = t - reach
    const window = 0.42 + 0.5 * Math.cos((Math.PI * x) / (reach + 1)) + 0.08 * Math.cos((2 * Math.PI * x) / (reach + 1))
    return window * (x === 0 ? 0.25 : Math.sin((Math.PI * x) / 4) / (Math.PI * x))
  })
  const out = new Float32Array(Math.floor((length - offset) / 4))
  for (let k = 0; k < out.length; k++) {
    let sum = 0
    for (let t = 0; t < taps.length; t++) sum += taps[t]! * (made[4 * k + offset + t - reach] ?? 0)
    out[k] = sum
  }
  return out
}

describe.each([44_100, 48_000])('EBU Tech 3341 and 3342 at %i Hz', (rate) => {
  test('[EAR-01] cases 1 and 2: a steady tone has its loudness in all three modes', () => {
    for (const dbfs of [-23, -33]) {
      const reading = measureLoudness(rate, tones(rate, [[20, dbfs]]))
      within(reading.integrated, dbfs, 0.1)
      within(reading.momentaryMax, dbfs, 0.1)
      within(reading.shortTermMax, dbfs, 0.1)
    }
  })

  test('[EAR-02] cases 3 to 5: what is silent or much quieter is gated away', () => {
    for (const parts of [
      [
        [10, -36],
        [60, -23],
        [10, -36],
      ],
      [
        [10, -72],
        [10, -36],
        [60, -23],
        [10, -36],
        [10, -72],
      ],
      [
        [20, -26],
        [20.1, -20],
        [20, -26],
      ],
    ] as [number, number][][]) {
      within(measureLoudness(rate, tones(rate, parts)).integrated, -23, 0.1)
    }
  })

  test('[EAR-03] case 6: surround channels weigh more, and LFE nothing', () => {
    const [left, centre, rear] = [-28, -24, -30].map((dbfs) => tones(rate, [[20, dbfs]])[0]!)
    within(measureLoudness(rate, [left!, left!, centre!, rear!, rear!]).integrated, -23, 0.1)
    const loud = tones(rate, [[20, -3]], 40)[0]!
    within(measureLoudness(rate, [left!, left!, centre!, loud, rear!, rear!]).integrated, -23, 0.1)
  })

  test('[EAR-04] case 9: short-term loudness is constant from 3 s over periods of 3 s', () => {
    const parts = Array.from(
      { length: 5 },
      () =>
        [
          [1.34, -20],
          [1.66, -30],
        ] as [number, number][],
    ).flat()
    const { shortTerm } = measureLoudness(rate, tones(rate, parts))
    expect(shortTerm.length).toBe(121)
    for (const lufs of shortTerm) within(lufs, -23, 0.1)
  })

  test('[EAR-05] case 12: momentary loudness is constant from 1 s over periods of 400 ms', () => {
    const parts = Array.from(
      { length: 25 },
      () =>
        [
          [0.18, -20],
          [0.22, -30],
        ] as [number, number][],
    ).flat()
    const { momentary } = measureLoudness(rate, tones(rate, parts))
    for (const lufs of momentary.slice(6)) within(lufs, -23, 0.1)
  })

  test('[EAR-06] cases 15 to 19: the true peak of tones that are sampled beside their peaks', () => {
    for (const [period, amplitude, degrees, expected] of [
      [4, 0.5, 0, -6],
      [4, 0.5, 45, -6],
      [6, 0.5, 60, -6],
      [8, 0.5, 67.5, -6],
      [4, 1.41, 45, 3],
    ] as const) {
      const peak = truePeak(rate, faded(rate, period, amplitude, degrees))
      expect(peak).toBeLessThanOrEqual(expected + 0.2)
      expect(peak).toBeGreaterThanOrEqual(expected - 0.4)
    }
  })

  test('[EAR-07] cases 20 to 23: the true peak of a burst, wherever samples fall in it', () => {
    for (const offset of [0, 1, 2, 3]) {
      const peak = truePeak(rate, burst(rate, offset))
      expect(peak).toBeLessThanOrEqual(0.2)
      expect(peak).toBeGreaterThanOrEqual(-0.4)
    }
  })

  test('[EAR-08] Tech 3342 cases 1 to 4: the loudness range of steps', () => {
    for (const [parts, expected] of [
      [
        [
          [20, -20],
          [20, -30],
        ],
        10,
      ],
      [
        [
          [20, -20],
          [20, -15],
        ],
        5,
      ],
      [
        [
          [20, -40],
          [20, -20],
        ],
        20,
      ],
      [
        [
          [20, -50],
          [20, -35],
          [20, -20],
          [20, -35],
          [20, -50],
        ],
        15,
      ],
    ] as [[number, number][], number][]) {
      within(measureLoudness(rate, tones(rate, parts)).range, expected, 1)
    }
  })
})

describe('loudness', () => {
  test('[EAR-09] gain shifts loudness and peaks by exactly itself', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -30, max: 12 }),
        fc.constantFrom(8_000, 22_050, 37_800, 44_100, 96_000, 192_000),
        (decibels, rate) => {
          const sound = tones(
            rate,
            [
              [1.3, -20],
              [2.2, -27],
              [0.7, -24],
            ],
            440,
          )[0]!
          const gain = 10 ** (decibels / 20)
          const before = measureLoudness(rate, [sound])
          const after = measureLoudness(rate, [sound.map((sample) => sample * gain)])
          within(after.integrated, before.integrated! + decibels, 1e-4)
          within(after.momentaryMax, before.momentaryMax! + decibels, 1e-4)
          within(
            truePeak(
              rate,
              sound.map((sample) => sample * gain),
            ),
            truePeak(rate, sound) + decibels,
            1e-4,
          )
        },
      ),
      { numRuns: 20 },
    )
  })

  test('[EAR-10] a tone has the same loudness at every rate', () => {
    for (const rate of [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000]) {
      within(measureLoudness(rate, tones(rate, [[3, -23]], 997)).integrated, -23, 0.1)
    }
  })

  test('[EAR-11] silence, and less than 400 ms, have no loudness', () => {
    for (const frames of [0, 100, 44_100 * 5]) {
      const reading = measureLoudness(44_100, [new Float32Array(frames)])
      expect(reading.integrated).toBeNull()
      expect(reading.range).toBeNull()
      expect(reading.momentaryMax).toBeNull()
    }
    expect(measureLoudness(44_100, tones(44_100, [[0.39, -10]])).integrated).toBeNull()
  })
})
