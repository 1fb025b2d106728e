import { hann, RealFft } from './fft.ts'
import { Framer } from './frames.ts'
import { ANALYSIS_RATE, ONSET_FRAME, ONSET_HOP } from './rates.ts'
import { RowsInt16 } from './series.ts'

export const MEL_BANDS = 40
const LOWEST_HZ = 30
const HIGHEST_HZ = 10_500
/** Stored levels are hundredths of a decibel. */
const STEPS_PER_NEPER = 1000 / Math.LN10
const SILENT = 1e-10
/** Spectral moments are taken of every eighth frame. */
const MOMENT_EVERY = 8

/** Hz to mel after O'Shaughnessy (1987). */
const toMel = (hz: number) => 2595 * Math.log10(1 + hz / 700)
const toHz = (mel: number) => 700 * (10 ** (mel / 2595) - 1)

/** Edges in Hz of triangular bands, evenly spaced in mel: band b rises from b to b + 1 and falls to b + 2. */
export const MEL_EDGES: readonly number[] = Array.from({ length: MEL_BANDS + 2 }, (_, i) =>
  toHz(toMel(LOWEST_HZ) + ((toMel(HIGHEST_HZ) - toMel(LOWEST_HZ)) * i) / (MEL_BANDS + 1)),
)

/** The bands behind each other: where each begins in the spectrum and in the weights. */
function melBands(): { bins: Uint32Array; starts: Uint32Array; weights: Float64Array } {
  const binHz = ANALYSIS_RATE / ONSET_FRAME
  const bins = new Uint32Array(MEL_BANDS)
  const starts = new Uint32Array(MEL_BANDS + 1)
  const all: number[] = []
  for (let b = 0; b < MEL_BANDS; b++) {
    const [low, middle, high] = [MEL_EDGES[b]!, MEL_EDGES[b + 1]!, MEL_EDGES[b + 2]!]
    // A band narrower than a bin takes the nearest bin.
    const first = Math.min(Math.ceil(low / binHz), Math.round(middle / binHz))
    const last = Math.max(Math.floor(high / binHz), Math.round(middle / binHz))
    const weights: number[] = Array.from({ length: last - first + 1 }, (_, i) => {
      const hz = (first + i) * binHz
      return Math.max(0, hz < middle ? (hz - low) / (middle - low) : (high - hz) / (high - middle))
    })
    if (weights.every((weight) => weight === 0)) weights[Math.round(middle / binHz) - first] = 1
    bins[b] = first
    all.push(...weights)
    starts[b + 1] = all.length
  }
  return { bins, starts, weights: Float64Array.from(all) }
}

export interface SpectralMoments {
  /** Hz, each frame weighted by its magnitude; null in silence. */
  centroid: number | null
  /** Geometric over arithmetic mean of the power spectrum, 0 … 1 (Johnston 1988). */
  flatness: number | null
  /** Hz below which 85 % of the power lies. */
  rolloff: number | null
}

/** Log-mel levels of every onset frame, and spectral moments, of mono sound at the analysis rate. */
export class MelAnalyser {
  readonly levels = new RowsInt16(MEL_BANDS)
  readonly #framer = new Framer(ONSET_FRAME, ONSET_HOP, (buffer, offset) => this.#frame(buffer, offset))
  readonly #fft = new RealFft(ONSET_FRAME)
  readonly #window = hann(ONSET_FRAME)
  readonly #power = new Float64Array(ONSET_FRAME / 2 + 1)
  readonly #bands = melBands()
  #weight = 0
  #centroid = 0
  #flatness = 0
  #rolloff = 0

  push(samples: Float32Array): void {
    this.#framer.push(samples)
  }

  finish(): SpectralMoments {
    this.#framer.finish()
    if (this.#weight === 0) return { centroid: null, flatness: null, rolloff: null }
    return {
      centroid: this.#centroid / this.#weight,
      flatness: this.#flatness / this.#weight,
      rolloff: this.#rolloff / this.#weight,
    }
  }

  #frame(buffer: Float32Array, offset: number): void {
    const power = this.#power
    this.#fft.power(buffer, offset, this.#window, power)
    const { page, offset: at } = this.levels.append()
    const { bins, starts, weights } = this.#bands
    for (let b = 0; b < MEL_BANDS; b++) {
      const end = starts[b + 1]!
      let sum = 0
      for (let w = starts[b]!, k = bins[b]!; w < end; w++, k++) sum += power[k]! * weights[w]!
      page[at + b] = Math.round(STEPS_PER_NEPER * Math.log(sum + SILENT))
    }
    if (this.levels.rows % MOMENT_EVERY === 0) this.#moments(power)
  }

  #moments(power: Float64Array): void {
    let total = 0
    let magnitudes = 0
    let weighted = 0
    let logs = 0
    let product = 1
    const last = power.length - 1
    for (let k = 1; k < last; k++) {
      const p = power[k]!
      const magnitude = Math.sqrt(p)
      total += p
      magnitudes += magnitude
      weighted += magnitude * k
      // One logarithm for eight bins.
      product *= p + 1e-20
      if (k % 8 === 0) {
        logs += Math.log(product)
        product = 1
      }
    }
    logs += Math.log(product)
    if (total < SILENT) return
    let below = 0
    let rolloff = 1
    while (rolloff < last && below < 0.85 * total) below += power[rolloff++]!
    const weight = Math.sqrt(total)
    const binHz = ANALYSIS_RATE / ONSET_FRAME
    this.#weight += weight
    this.#centroid += (weight * weighted * binHz) / magnitudes
    this.#flatness += weight * Math.min(1, Math.exp(logs / (last - 1)) / (total / (last - 1)))
    this.#rolloff += weight * rolloff * binHz
  }
}
