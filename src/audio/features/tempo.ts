import { trackBeats } from './beats.ts'
import { calibrate } from './calibration.ts'
import { TEMPO_MODEL } from './model.ts'
import type { OnsetStrength } from './onset.ts'
import { ONSET_RATE } from './rates.ts'
import { collectCandidates, type TempoCandidate } from './tempo-candidates.ts'
import { combAt, correlateWindow, refineTempo, WINDOW_FRAMES, windowStarts } from './tempogram.ts'

export interface TempoReading {
  bpm: number
  /** 0 … 1: how likely it is right. */
  confidence: number
  /** Other tempi that it may be, likeliest first. */
  alternatives: { bpm: number; confidence: number }[]
  /** Seconds. */
  beats: number[]
  /** The tempo around moments of the piece. */
  curve: { seconds: number; bpm: number }[]
  /** 1 for a steady beat: one less the mean deviation of beat distances from their median, in parts of it, × 4. */
  stability: number
}

/** Weights as scripts/audio/train.ts fits them; `trust` is that in the preference. */
export interface TempoModel {
  weights: readonly number[]
  trust: number
  calibration: readonly (readonly [number, number])[]
}

/** Log-linear in what speaks for a candidate. */
export function scoreTempo({ preference, features }: TempoCandidate, model: TempoModel): number {
  let score = model.trust * preference
  for (let i = 0; i < model.weights.length; i++) score += model.weights[i]! * features[i]!
  return score
}

/** With fewer notes a second what repeats is the flicker of a steady sound. */
const FEWEST_ONSETS = 0.15
/** Below it nothing repeats. */
const WEAKEST_COMB = 0.02

/** Finds tempo and beats; null where nothing repeats, or in less than three seconds. */
export function findTempo(strength: OnsetStrength, onsetRate: number): TempoReading | null {
  if (strength.full.length < 3 * ONSET_RATE || onsetRate < FEWEST_ONSETS) return null
  const { candidates, acf, curve } = collectCandidates(strength, onsetRate)
  const strongest = Math.max(...candidates.map((candidate) => candidate.strength))
  if (candidates.length === 0 || strongest < WEAKEST_COMB) return null
  const scored = candidates
    .map((candidate) => ({ bpm: candidate.bpm, score: scoreTempo(candidate, TEMPO_MODEL) }))
    .sort((a, b) => b.score - a.score)
  const highest = scored[0]!.score
  const total = scored.reduce((sum, { score }) => sum + Math.exp(score - highest), 0)
  const confidence = calibrate(1 / total, TEMPO_MODEL.calibration)
  // What the best leaves is shared among the others as the model has it.
  const rest = total > 1 ? (1 - confidence) / (total - 1) : 0
  const bpm = refineTempo(acf, scored[0]!.bpm)
  const tempi = followTempo(curve, bpm)
  const at = (frame: number) => {
    const index = Math.min(tempi.length - 1, Math.max(0, Math.floor((frame / curve.length) * tempi.length)))
    return tempi[index]!.bpm
  }
  const beats = trackBeats(curve, at)
  return {
    bpm,
    confidence,
    alternatives: scored.slice(1, 4).map((other) => ({
      bpm: refineTempo(acf, other.bpm),
      confidence: Math.min(confidence, rest * Math.exp(other.score - highest)),
    })),
    beats,
    curve: tempi,
    stability: measureStability(beats),
  }
}

/** The tempo of each window, within 8 % of the whole's. */
function followTempo(curve: Float32Array, bpm: number): { seconds: number; bpm: number }[] {
  const out: { seconds: number; bpm: number }[] = []
  for (const start of windowStarts(curve.length)) {
    const acf = correlateWindow(curve, start)
    let best = bpm
    let bestScore = combAt(acf, bpm) * 1.02
    for (let factor = 0.92; factor <= 1.081; factor += 0.005) {
      const value = combAt(acf, bpm * factor) * (1 - Math.abs(factor - 1))
      if (value > bestScore) {
        bestScore = value
        best = bpm * factor
      }
    }
    const middle = (start + Math.min(WINDOW_FRAMES, curve.length - start) / 2) / ONSET_RATE
    out.push({ seconds: middle, bpm: refineTempo(acf, best) })
  }
  return out
}

function measureStability(beats: number[]): number {
  if (beats.length < 4) return 0
  const gaps = beats.slice(1).map((beat, i) => beat - beats[i]!)
  const median = [...gaps].sort((a, b) => a - b)[Math.floor(gaps.length / 2)]!
  const deviation = gaps.reduce((sum, gap) => sum + Math.abs(gap - median), 0) / gaps.length / median
  return Math.max(0, 1 - 4 * deviation)
}
