/** The interpolator of ITU-R BS.1770-4, annex 2: four phases of 12 taps. The last two mirror the first two. */
const PHASE_0 = [
  0.001708984375, 0.010986328125, -0.0196533203125, 0.033203125, -0.0594482421875, 0.1373291015625, 0.97216796875,
  -0.102294921875, 0.047607421875, -0.026611328125, 0.014892578125, -0.00830078125,
]
const PHASE_1 = [
  -0.0291748046875, 0.029296875, -0.0517578125, 0.089111328125, -0.16650390625, 0.465087890625, 0.77978515625,
  -0.2003173828125, 0.1015625, -0.0582275390625, 0.0330810546875, -0.0189208984375,
]
const TAPS = 12
/** No interpolated value exceeds the largest of its 12 samples times this: the largest sum of a phase's magnitudes. */
const BOUND = PHASE_1.reduce((sum, tap) => sum + Math.abs(tap), 0)
/** For each of the first six taps the even and the odd part of phase 0, then those of phase 1. */
const HALVES = Float64Array.from(
  Array.from({ length: TAPS / 2 }, (_, t) =>
    [PHASE_0, PHASE_1].flatMap((taps) => [(taps[t]! + taps[TAPS - 1 - t]!) / 2, (taps[t]! - taps[TAPS - 1 - t]!) / 2]),
  ).flat(),
)
const RUN = 32
const CARRY = TAPS - 1

/**
 * The true peak of one channel by fourfold oversampling (twofold from 96 kHz, none from 192 kHz, where the samples
 * lie close enough). Runs that cannot hold a new peak are passed over.
 */
export class TruePeakMeter {
  /** The largest magnitude so far, of interpolated values and of samples alone. */
  peak = 0
  samplePeak = 0
  /** Single phases, where not all four are taken. */
  readonly #phases: Float64Array[]
  readonly #isFourfold: boolean
  #buffer = new Float32Array(CARRY)
  /** The largest magnitude of the run before. */
  #before = 0

  constructor(sampleRate: number) {
    const all = [PHASE_0, PHASE_1, [...PHASE_1].reverse()]
    this.#isFourfold = sampleRate < 96_000
    const kept = sampleRate >= 96_000 && sampleRate < 192_000 ? [all[0]!, all[2]!] : []
    this.#phases = kept.map((taps) => Float64Array.from(taps))
  }

  /** Gives the largest magnitude of these samples alone. */
  push(samples: Float32Array, frames: number): number {
    if (this.#buffer.length < CARRY + frames) {
      const grown = new Float32Array(CARRY + frames)
      grown.set(this.#buffer.subarray(0, CARRY))
      this.#buffer = grown
    }
    const x = this.#buffer
    x.set(samples.subarray(0, frames), CARRY)
    let before = this.#before
    let loudest = 0
    for (let start = 0; start < frames; start += RUN) {
      const end = Math.min(frames, start + RUN)
      let max = 0
      for (let i = start + CARRY; i < end + CARRY; i++) {
        const magnitude = Math.abs(x[i]!)
        if (magnitude > max) max = magnitude
      }
      if (max > loudest) loudest = max
      if (max > this.peak) this.peak = max
      const around = Math.max(max, before)
      // A last run may be too short to hold all that the next one reaches back to.
      before = end - start === RUN ? max : around
      if (around * BOUND <= this.peak) continue
      if (this.#isFourfold) this.#interpolateAll(start, end)
      else for (const phase of this.#phases) this.#interpolate(phase, start, end)
    }
    this.#before = before
    if (loudest > this.samplePeak) this.samplePeak = loudest
    x.copyWithin(0, frames, frames + CARRY)
    return loudest
  }

  /** All four phases: with the even and odd parts of the first two, the others are their differences. */
  #interpolateAll(start: number, end: number): void {
    const x = this.#buffer
    let peak = this.peak
    for (let i = start; i < end; i++) {
      let even0 = 0
      let odd0 = 0
      let even1 = 0
      let odd1 = 0
      for (let t = 0, late = i + CARRY, early = i; t < HALVES.length; t += 4, late--, early++) {
        const sum = x[late]! + x[early]!
        const difference = x[late]! - x[early]!
        even0 += sum * HALVES[t]!
        odd0 += difference * HALVES[t + 1]!
        even1 += sum * HALVES[t + 2]!
        odd1 += difference * HALVES[t + 3]!
      }
      const magnitude = Math.max(Math.abs(even0) + Math.abs(odd0), Math.abs(even1) + Math.abs(odd1))
      if (magnitude > peak) peak = magnitude
    }
    this.peak = peak
  }

  #interpolate(taps: Float64Array, start: number, end: number): void {
    const x = this.#buffer
    let peak = this.peak
    for (let i = start; i < end; i++) {
      let sum = 0
      for (let t = 0; t < TAPS; t++) sum += x[i + CARRY - t]! * taps[t]!
      const magnitude = Math.abs(sum)
      if (magnitude > peak) peak = magnitude
    }
    this.peak = peak
  }
}
