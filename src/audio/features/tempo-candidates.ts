import type { OnsetStrength } from './onset.ts'
import { combAt, combGrid, correlate, normaliseStrength, TEMPO_GRID } from './tempogram.ts'

const LOWEST = 40
const HIGHEST = 225
const PEAKS = 7
/** Beats are rarely written slower or faster. */
const SLOW = 62
const FAST = 175
const RELATIVES = [2, 1 / 2, 3, 1 / 3, 3 / 2, 2 / 3, 4 / 3, 3 / 4]

export interface TempoCandidate {
  bpm: number
  /** The comb at its tempo. */
  strength: number
  /** Logarithm, three times, of the comb under a log-normal preference for tempi that people tap (Parncutt 1994). */
  preference: number
  /**
   * Octaves from 115 BPM and their square, octaves of onsets a beat and theirs, logarithms of the comb of all, low,
   * middle and high bands, octaves below 62 and above 175 BPM.
   */
  features: number[]
}

export interface TempoEvidence {
  candidates: TempoCandidate[]
  /** Autocorrelation and the normalised curve of all bands together. */
  acf: Float32Array
  curve: Float32Array
}

/** Tempi that the sound may have, each with what speaks for it. `onsetRate`: notes a second. */
export function collectCandidates(strength: OnsetStrength, onsetRate: number): TempoEvidence {
  const curves = [strength.full, strength.low, strength.mid, strength.high].map(normaliseStrength)
  const acfs = curves.map(correlate)
  const acf = acfs[0]!
  const candidates = pickTempi(combGrid(acf)).map((bpm) => {
    const combs = acfs.map((each) => combAt(each, bpm))
    const octave = Math.log2(bpm / 115)
    const perBeat = Math.log2(Math.max(0.1, (onsetRate * 60) / bpm))
    const liking = Math.exp(-0.5 * (Math.log2(bpm / 120) / 0.8) ** 2)
    const preference = 3 * logOf(combs[0]! * liking)
    const slow = Math.max(0, Math.log2(SLOW / bpm))
    const fast = Math.max(0, Math.log2(bpm / FAST))
    const features = [octave, octave * octave, perBeat, perBeat * perBeat, ...combs.map(logOf), slow, fast]
    return { bpm, strength: combs[0]!, preference, features }
  })
  return { candidates, acf, curve: curves[0]! }
}

/** Combs count by their ratios, and little where they are next to nothing. */
function logOf(comb: number): number {
  return Math.log(Math.max(0, comb) + 0.01)
}

/** The highest peaks, and what stands in a simple ratio to the first two of them. */
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
