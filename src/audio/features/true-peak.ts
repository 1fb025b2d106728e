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
  readonly #phases: Float64Array[]
  #buffer = new Float32Array(CARRY)

  constructor(sampleRate: number) {
    const all = [PHASE_0, PHASE_1, [...PHASE_1].reverse(), [...PHASE_0].reverse()]
    const kept = sampleRate >= 192_000 ? [] : sampleRate >= 96_000 ? [all[0]!, all[2]!] : all
    this.#phases = kept.map((taps) => Float64Array.from(taps))
  }

  push(samples: Float32Array, frames: number): void {
    if (this.#buffer.length < CARRY + frames) {
      const grown = new Float32Array(CARRY + frames)
      grown.set(this.#buffer.subarray(0, CARRY))
      this.#buffer = grown
    }
    const x = this.#buffer
    x.set(samples.subarray(0, frames), CARRY)
    for (let start = 0; start < frames; start += RUN) {
      const end = Math.min(frames, start + RUN)
      let max = 0
      for (let i = start; i < end + CARRY; i++) {
        const magnitude = Math.abs(x[i]!)
        if (magnitude > max) max = magnitude
      }
      if (max > this.samplePeak) this.samplePeak = max
      if (max > this.peak) this.peak = max
      if (max * BOUND > this.peak) for (const phase of this.#phases) this.#interpolate(phase, start, end)
    }
    x.copyWithin(0, frames, frames + CARRY)
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
