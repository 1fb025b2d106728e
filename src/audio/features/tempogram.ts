import { autocorrelate, RealFft } from './fft.ts'
import { ONSET_RATE } from './rates.ts'

const LOWEST_BPM = 30
const HIGHEST_BPM = 320
const PER_OCTAVE = 120
const GRID = Math.round(Math.log2(HIGHEST_BPM / LOWEST_BPM) * PER_OCTAVE)
/** Tempi at which salience is measured, 0.6 % apart. */
export const TEMPO_GRID: Float64Array = Float64Array.from(
  { length: GRID + 1 },
  (_, i) => LOWEST_BPM * 2 ** (i / PER_OCTAVE),
)

export const WINDOW_FRAMES = 2048
const WINDOW_HOP = 1024
const MAX_LAG = 1300
const MULTIPLES = 8
/** A tempo may drift so much and still add up. */
const DRIFT = 0.006

/** Where windows of a strength curve begin: the last one ends with it. */
export function windowStarts(frames: number): number[] {
  const starts: number[] = []
  for (let start = 0; start + WINDOW_FRAMES < frames; start += WINDOW_HOP) starts.push(start)
  starts.push(Math.max(0, frames - WINDOW_FRAMES))
  return starts
}

/** A curve less its mean over two seconds around, in units of its own deviation. */
export function normaliseStrength(strength: Float32Array): Float32Array {
  const n = strength.length
  const reach = Math.round(ONSET_RATE)
  const sums = new Float64Array(n + 1)
  for (let i = 0; i < n; i++) sums[i + 1] = sums[i]! + strength[i]!
  const out = new Float32Array(n)
  let energy = 0
  for (let i = 0; i < n; i++) {
    const from = Math.max(0, i - reach)
    const to = Math.min(n, i + reach + 1)
    out[i] = strength[i]! - (sums[to]! - sums[from]!) / (to - from)
    energy += out[i]! * out[i]!
  }
  const scale = energy > 0 ? Math.sqrt(n / energy) : 0
  for (let i = 0; i < n; i++) out[i] = out[i]! * scale
  return out
}

const fft = new RealFft(4096)

/** Autocorrelation of one window, 1 at lag 0; all zero where nothing happens. */
export function correlateWindow(strength: Float32Array, start: number): Float32Array {
  const acf = autocorrelate(strength.subarray(start, start + WINDOW_FRAMES), MAX_LAG + 1, fft)
  const zero = acf[0]!
  if (zero <= 1e-9) return acf.fill(0)
  for (let i = 0; i < acf.length; i++) acf[i] = acf[i]! / zero
  return acf
}

/** The mean autocorrelation of all windows. */
export function correlate(strength: Float32Array): Float32Array {
  const mean = new Float32Array(MAX_LAG + 1)
  const starts = windowStarts(strength.length)
  for (const start of starts) {
    const acf = correlateWindow(strength, start)
    for (let i = 0; i < acf.length; i++) mean[i] = mean[i]! + acf[i]! / starts.length
  }
  return mean
}

function interpolate(acf: Float32Array, lag: number): number {
  const at = Math.floor(lag)
  if (at + 1 >= acf.length) return 0
  return acf[at]! + (lag - at) * (acf[at + 1]! - acf[at]!)
}

/** The largest autocorrelation within the drift around a lag in frames. */
function peakNear(acf: Float32Array, lag: number): number {
  const slack = Math.max(0.7, lag * DRIFT)
  return Math.max(interpolate(acf, lag), interpolate(acf, lag - slack), interpolate(acf, lag + slack))
}

/** How well multiples of a tempo's period repeat: the comb of Scheirer (1998) on an autocorrelation, -1 … 1. */
export function combAt(acf: Float32Array, bpm: number, multiples = MULTIPLES): number {
  const period = (60 * ONSET_RATE) / bpm
  const count = Math.max(1, Math.min(multiples, Math.floor((MAX_LAG * 0.9) / period)))
  let sum = 0
  for (let k = 1; k <= count; k++) sum += peakNear(acf, k * period)
  return sum / count
}

export function combGrid(acf: Float32Array): Float32Array {
  return Float32Array.from(TEMPO_GRID, (bpm) => combAt(acf, bpm))
}

/** The tempo near `bpm` (within 4 %) whose first twelve multiples repeat best, to about 0.05 %. */
export function refineTempo(acf: Float32Array, bpm: number): number {
  const score = (candidate: number) => {
    const period = (60 * ONSET_RATE) / candidate
    let sum = 0
    let weight = 0
    for (let k = 1; k <= 12 && k * period < MAX_LAG - 1; k++) {
      sum += interpolate(acf, k * period)
      weight++
    }
    return weight > 0 ? sum / weight : 0
  }
  let best = bpm
  for (const [reach, step] of [
    [0.04, 0.002],
    [0.002, 0.0002],
  ] as const) {
    const middle = best
    let bestScore = Number.NEGATIVE_INFINITY
    for (let offset = -reach; offset <= reach + 1e-9; offset += step) {
      const value = score(middle * (1 + offset))
      if (value > bestScore) {
        bestScore = value
        best = middle * (1 + offset)
      }
    }
  }
  return best
}
