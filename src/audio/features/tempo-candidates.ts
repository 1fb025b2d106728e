import type { OnsetStrength } from './onset.ts'
import { ONSET_RATE } from './rates.ts'
import { combAt, combGrid, correlate, normaliseStrength, peakNear, TEMPO_GRID } from './tempogram.ts'

const LOWEST = 40
const HIGHEST = 225
const PEAKS = 7
const RELATIVES = [2, 1 / 2, 3, 1 / 3, 3 / 2, 2 / 3, 4 / 3, 3 / 4]
const RATIOS = [1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1, 4 / 3, 3 / 2, 2, 3, 4, 6, 8]

export interface TempoCandidate {
  bpm: number
  /** The comb at its tempo. */
  strength: number
  features: number[]
}

export interface TempoEvidence {
  candidates: TempoCandidate[]
  /** Autocorrelation and the normalised curve of all bands together. */
  acf: Float32Array
  curve: Float32Array
}

/** Tempi that the sound may have, each with what speaks for and against it. `onsetRate`: notes a second. */
export function collectCandidates(strength: OnsetStrength, onsetRate: number): TempoEvidence {
  const curves = [strength.full, strength.low, strength.mid, strength.high].map(normaliseStrength)
  const acfs = curves.map(correlate)
  const acf = acfs[0]!
  const grid = combGrid(acf)
  const bpms = pickTempi(grid)
  const bands = share(strength)
  const top = Math.max(1e-3, ...bpms.map((bpm) => combAt(acf, bpm)))
  const candidates = bpms.map((bpm) => ({
    bpm,
    strength: combAt(acf, bpm),
    features: describe(bpm, acfs, onsetRate, bands, top),
  }))
  return { candidates, acf, curve: curves[0]! }
}

/** The highest peaks, and what stands in a simple ratio to the first of them. */
function pickTempi(grid: Float32Array): number[] {
  const peaks: { bpm: number; value: number }[] = []
  for (let i = 1; i < grid.length - 1; i++) {
    const bpm = TEMPO_GRID[i]!
    if (bpm < LOWEST || bpm > HIGHEST) continue
    if (grid[i]! > grid[i - 1]! && grid[i]! >= grid[i + 1]!) peaks.push({ bpm, value: grid[i]! })
  }
  peaks.sort((a, b) => b.value - a.value)
  const chosen = peaks.slice(0, PEAKS).map((peak) => peak.bpm)
  const found: number[] = []
  const add = (bpm: number) => {
    if (bpm >= LOWEST && bpm <= HIGHEST && !found.some((other) => Math.abs(other / bpm - 1) < 0.03)) found.push(bpm)
  }
  for (const bpm of chosen) add(bpm)
  for (const bpm of chosen.slice(0, 2)) for (const ratio of RELATIVES) add(bpm * ratio)
  return found
}

/** Parts that low, middle and high bands have in all onsets. */
function share(strength: OnsetStrength): number[] {
  const sums = [strength.low, strength.mid, strength.high].map((curve) => curve.reduce((sum, value) => sum + value, 0))
  const all = sums.reduce((sum, value) => sum + value, 0)
  return sums.map((sum) => (all > 0 ? sum / all : 0))
}

function describe(bpm: number, acfs: Float32Array[], onsetRate: number, bands: number[], top: number): number[] {
  const period = (60 * ONSET_RATE) / bpm
  const octave = Math.log2(bpm / 115)
  const perBeat = Math.log2(Math.max(0.1, (onsetRate * 60) / bpm))
  const features = [octave, octave * octave, Math.abs(octave), perBeat, perBeat * perBeat, ...bands, onsetRate / 5]
  for (const acf of acfs) {
    for (const ratio of RATIOS) features.push(peakNear(acf, period * ratio))
    features.push(combAt(acf, bpm, 4), combAt(acf, bpm), combAt(acf, bpm / 2, 4), combAt(acf, bpm * 2, 4))
    features.push(combAt(acf, bpm * 3, 4), combAt(acf, bpm / 3, 4))
  }
  features.push(combAt(acfs[0]!, bpm) / top)
  return features
}
