import { hann, RealFft } from './fft.ts'
import { Framer } from './frames.ts'
import { PITCH_DIVISOR, PITCH_FRAME, PITCH_HOP, PITCH_RATE, ROW_FRAMES } from './rates.ts'
import { Resampler } from './resample.ts'
import { Series } from './series.ts'

/** Bins of 10 cents, so that the tuning can be found before pitches are counted. */
export const FINE_BINS = 120
const LOWEST_HZ = 55
const HIGHEST_HZ = 1_300
/** Below it a pitch counts as bass. */
const BASS_HZ = 220
const HARMONICS = 4
const HARMONIC_DECAY = 0.6
/** The middle of an octave's first bin: C. */
const C0_HZ = 440 * 2 ** -4.75

const BIN_HZ = PITCH_RATE / PITCH_FRAME
const FIRST_BIN = Math.floor(LOWEST_HZ / BIN_HZ)
const LAST_BIN = Math.ceil(HIGHEST_HZ / BIN_HZ)

/** Each row gathers half a second: FINE_BINS of treble, then FINE_BINS of bass. */
export interface FineChroma {
  rows: number
  treble(row: number): Float32Array
  bass(row: number): Float32Array
}

/**
 * Pitch class profile from spectral peaks: after Gómez, "Tonal description of polyphonic audio" (2006): peaks,
 * whitened by their surroundings, count for the pitches of which they may be harmonics.
 */
export class ChromaAnalyser {
  /** Flat up to 1,500 Hz; what it lets through above 3,900 Hz comes out above 1,600 Hz, where nobody looks. */
  readonly #decimator = new Resampler(PITCH_DIVISOR, 1, { cutoff: 1, crossings: 4 })
  readonly #framer = new Framer(PITCH_FRAME, PITCH_HOP, (buffer, offset) => this.#frame(buffer, offset))
  readonly #fft = new RealFft(PITCH_FRAME)
  readonly #window = hann(PITCH_FRAME)
  readonly #power = new Float64Array(PITCH_FRAME / 2 + 1)
  readonly #magnitude = new Float64Array(LAST_BIN + 3)
  readonly #sums = new Float64Array(LAST_BIN + 4)
  readonly #rows = new Series()
  readonly #treble = new Float64Array(FINE_BINS)
  readonly #bass = new Float64Array(FINE_BINS)
  #gathered = 0

  push(samples: Float32Array): void {
    this.#framer.push(this.#decimator.push(samples))
  }

  finish(): FineChroma {
    this.#framer.push(this.#decimator.finish())
    this.#framer.finish()
    if (this.#gathered > 0) this.#flush()
    const width = 2 * FINE_BINS
    const all = this.#rows.toFloat32()
    return {
      rows: all.length / width,
      treble: (row) => all.subarray(row * width, row * width + FINE_BINS),
      bass: (row) => all.subarray(row * width + FINE_BINS, (row + 1) * width),
    }
  }

  #frame(buffer: Float32Array, offset: number): void {
    this.#fft.power(buffer, offset, this.#window, this.#power)
    this.#collect()
    if (++this.#gathered === ROW_FRAMES) this.#flush()
  }

  #flush(): void {
    for (const value of this.#treble) this.#rows.push(value)
    for (const value of this.#bass) this.#rows.push(value)
    this.#treble.fill(0)
    this.#bass.fill(0)
    this.#gathered = 0
  }

  #collect(): void {
    const m = this.#magnitude
    const sums = this.#sums
    let max = 0
    for (let k = 0; k < m.length; k++) {
      m[k] = Math.sqrt(this.#power[k]!)
      sums[k + 1] = sums[k]! + m[k]!
      if (m[k]! > max) max = m[k]!
    }
    if (max < 1e-5) return
    for (let k = FIRST_BIN; k <= LAST_BIN; k++) {
      const here = m[k]!
      if (here < max * 1e-3 || here <= m[k - 1]! || here < m[k + 1]!) continue
      // The mean over about a third of an octave, and no less than 12 bins, on both sides.
      const reach = Math.max(12, Math.round(k * 0.2))
      const from = Math.max(0, k - reach)
      const to = Math.min(m.length, k + reach + 1)
      const surroundings = (sums[to]! - sums[from]!) / (to - from)
      const rise = here / (surroundings + max * 0.002)
      if (rise < 1.5) continue
      const [a, b, c] = [Math.log(m[k - 1]! + 1e-12), Math.log(here), Math.log(m[k + 1]! + 1e-12)]
      const bend = a - 2 * b + c
      const shift = bend < 0 ? (0.5 * (a - c)) / bend : 0
      this.#count((k + Math.max(-0.5, Math.min(0.5, shift))) * BIN_HZ, Math.sqrt(rise) * (here / max) ** 0.25)
    }
  }

  #count(hz: number, weight: number): void {
    const bass = hz < BASS_HZ
    for (let h = 1, share = weight; h <= HARMONICS; h++, share *= HARMONIC_DECAY) {
      const pitch = hz / h
      if (pitch < LOWEST_HZ) break
      const octaves = Math.log2(pitch / C0_HZ)
      const bin = Math.round((octaves - Math.floor(octaves)) * FINE_BINS) % FINE_BINS
      this.#treble[bin]! += share
    }
    if (bass) {
      const octaves = Math.log2(hz / C0_HZ)
      this.#bass[Math.round((octaves - Math.floor(octaves)) * FINE_BINS) % FINE_BINS]! += weight
    }
  }
}

/** How far the piece lies from a' = 440 Hz, in cents, -50 … 50: the circular mean of the pitches' deviations. */
export function findTuning(chroma: FineChroma): number {
  let x = 0
  let y = 0
  for (let row = 0; row < chroma.rows; row++) {
    const bins = chroma.treble(row)
    for (let b = 0; b < FINE_BINS; b++) {
      const angle = (2 * Math.PI * (b % 10)) / 10
      x += bins[b]! * Math.cos(angle)
      y += bins[b]! * Math.sin(angle)
    }
  }
  return x === 0 && y === 0 ? 0 : (Math.atan2(y, x) / (2 * Math.PI)) * 100
}

/** The twelve pitch classes of fine bins, C first, with the tuning taken out. */
export function foldChroma(bins: Float32Array, tuning: number): Float64Array {
  const out = new Float64Array(12)
  for (let b = 0; b < FINE_BINS; b++) {
    const semitones = b / 10 - tuning / 100
    const nearest = Math.round(semitones)
    // Full within 20 cents of a semitone, nothing half-way between two.
    const weight = Math.max(0, Math.min(1, (0.5 - Math.abs(semitones - nearest)) / 0.3))
    out[(nearest + 12) % 12]! += bins[b]! * weight
  }
  return out
}
