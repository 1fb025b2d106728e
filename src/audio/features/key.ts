import { type FineChroma, findTuning, foldChroma } from './chroma.ts'

export const PITCH_NAMES = ['C', 'C#', 'D', 'D#', 'E', 'F', 'F#', 'G', 'G#', 'A', 'A#', 'B'] as const

export interface KeyReading {
  /** `C#m`, `F#`. */
  name: string
  /** 0 is C. */
  tonic: number
  mode: 'major' | 'minor'
  /** 0 … 1: how likely it is right. */
  confidence: number
  /** 0 … 1: how clearly pitches gather in that key: the correlation of their profile with the key's. */
  strength: number
  alternatives: { name: string; confidence: number }[]
  /** Cents from a' = 440 Hz. */
  tuning: number
}

/** Profiles of Faraldo et al. ("Key estimation in electronic dance music", 2016): weak degrees gated away. */
const MAJOR = [1, 0, 0.42, 0, 0.53, 0.37, 0, 0.77, 0, 0.38, 0.21, 0.3]
const MINOR = [1, 0, 0.36, 0.39, 0, 0.38, 0, 0.74, 0.27, 0, 0.42, 0.23]
const BASS_PART = 0.3

export function keyName(tonic: number, mode: 'major' | 'minor'): string {
  return `${PITCH_NAMES[tonic]}${mode === 'minor' ? 'm' : ''}`
}

/** Finds the key of a piece from its pitches; null where no pitch is heard. */
export function findKey(chroma: FineChroma): KeyReading | null {
  const tuning = findTuning(chroma)
  const treble = new Float64Array(12)
  const bass = new Float64Array(12)
  for (let row = 0; row < chroma.rows; row++) {
    add(treble, foldChroma(chroma.treble(row), tuning))
    add(bass, foldChroma(chroma.bass(row), tuning))
  }
  const total = treble.reduce((sum, value) => sum + value, 0)
  if (total <= 0) return null
  const mixed = treble.map((value, i) => value / total + (BASS_PART * bass[i]!) / total)
  const scored: { tonic: number; mode: 'major' | 'minor'; score: number }[] = []
  for (let tonic = 0; tonic < 12; tonic++) {
    scored.push({ tonic, mode: 'major', score: correlation(mixed, MAJOR, tonic) })
    scored.push({ tonic, mode: 'minor', score: correlation(mixed, MINOR, tonic) })
  }
  scored.sort((a, b) => b.score - a.score)
  const sum = scored.reduce((all, { score }) => all + Math.exp(15 * score), 0)
  const named = scored.map(({ tonic, mode, score }) => ({
    name: keyName(tonic, mode),
    confidence: Math.exp(15 * score) / sum,
  }))
  return {
    ...named[0]!,
    tonic: scored[0]!.tonic,
    mode: scored[0]!.mode,
    strength: Math.max(0, scored[0]!.score),
    alternatives: named.slice(1, 4),
    tuning,
  }
}

function add(into: Float64Array, what: Float64Array): void {
  for (let i = 0; i < into.length; i++) into[i]! += what[i]!
}

function correlation(chroma: Float64Array, profile: number[], tonic: number): number {
  const meanC = chroma.reduce((sum, value) => sum + value, 0) / 12
  const meanP = profile.reduce((sum, value) => sum + value, 0) / 12
  let product = 0
  let energyC = 0
  let energyP = 0
  for (let i = 0; i < 12; i++) {
    const c = chroma[(i + tonic) % 12]! - meanC
    const p = profile[i]! - meanP
    product += c * p
    energyC += c * c
    energyP += p * p
  }
  return energyC > 0 ? product / Math.sqrt(energyC * energyP) : 0
}
