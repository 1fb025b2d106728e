import type { OnsetStrength } from './onset.ts'
import { combAt, combGrid, correlate, normaliseStrength, TEMPO_GRID } from './tempogram.ts'

const LOWEST = 40
const HIGHEST = 225
const PEAKS = 7
const RELATIVES = [2, 1 / 2, 3, 1 / 3, 3 / 2, 2 / 3, 4 / 3, 3 / 4]

export interface TempoCandidate {
  bpm: number
  /** The comb at its tempo. */
  strength: number
  /**
   * The comb under a log-normal preference for tempi that people tap (Parncutt 1994), then: octaves from 115 BPM and
   * their square, octaves of onsets a beat and theirs, the comb of all, low, middle and high bands.
   */
  preference: number
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
    const preference = 12 * Math.max(0, combs[0]!) * Math.exp(-0.5 * (Math.log2(bpm / 120) / 0.8) ** 2)
    const features = [octave, octave * octave, perBeat, perBeat * perBeat, ...combs]
    return { bpm, strength: combs[0]!, preference, features }
  })
  return { candidates, acf, curve: curves[0]! }
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
