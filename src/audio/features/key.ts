import { calibrate } from './calibration.ts'
import type { FineChroma } from './chroma.ts'
import { collectKeyEvidence, correlateProfile, describeKeyAt, type KeyEvidence } from './key-evidence.ts'
import { KEY_MODEL } from './model.ts'

export const PITCH_NAMES = ['C', 'C#', 'D', 'D#', 'E', 'F', 'F#', 'G', 'G#', 'A', 'A#', 'B'] as const

export type Mode = 'major' | 'minor'

export interface KeyReading {
  /** `C#m`, `F#`. */
  name: string
  /** 0 is C. */
  tonic: number
  mode: Mode
  /** 0 … 1: how likely it is right. */
  confidence: number
  /** 0 … 1: how clearly pitches gather in that key: the correlation of their profile with the key's. */
  strength: number
  alternatives: { name: string; confidence: number }[]
  /** Cents from a' = 440 Hz. */
  tuning: number
}

export function keyName(tonic: number, mode: Mode): string {
  return `${PITCH_NAMES[tonic]}${mode === 'minor' ? 'm' : ''}`
}

/** Weights as scripts/audio/train.ts fits them; `bias` is the major's, `trust` that in the profile's correlation. */
export interface KeyModel {
  major: readonly number[]
  minor: readonly number[]
  bias: number
  trust: number
  calibration: readonly (readonly [number, number])[]
}

export interface KeyOption {
  tonic: number
  mode: Mode
  score: number
}

/** All 24 keys with their scores: log-linear in what is heard above each tonic. */
export function scoreKeys(evidence: KeyEvidence, model: KeyModel): KeyOption[] {
  const options: KeyOption[] = []
  for (let tonic = 0; tonic < 12; tonic++) {
    const features = describeKeyAt(evidence, tonic)
    for (const mode of ['major', 'minor'] as const) {
      const weights = model[mode]
      let score = model.trust * correlateProfile(evidence, tonic, mode) + (mode === 'major' ? model.bias : 0)
      for (let i = 0; i < weights.length; i++) score += weights[i]! * features[i]!
      options.push({ tonic, mode, score })
    }
  }
  return options
}

/** Finds the key of a piece from its pitches and triads; null where no pitch is heard. */
export function findKey(chroma: FineChroma): KeyReading | null {
  const evidence = collectKeyEvidence(chroma)
  if (!evidence) return null
  const options = scoreKeys(evidence, KEY_MODEL).sort((a, b) => b.score - a.score)
  const best = options[0]!
  const sum = options.reduce((all, { score }) => all + Math.exp(score - best.score), 0)
  const confidence = calibrate(1 / sum, KEY_MODEL.calibration)
  // What the best leaves is shared among the others as the model has it.
  const rest = sum > 1 ? (1 - confidence) / (sum - 1) : 0
  return {
    name: keyName(best.tonic, best.mode),
    tonic: best.tonic,
    mode: best.mode,
    confidence,
    strength: Math.max(0, correlateProfile(evidence, best.tonic, best.mode)),
    alternatives: options.slice(1, 4).map(({ tonic, mode, score }) => ({
      name: keyName(tonic, mode),
      confidence: Math.min(confidence, rest * Math.exp(score - best.score)),
    })),
    tuning: evidence.tuning,
  }
}
