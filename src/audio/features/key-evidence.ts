import { type FineChroma, findTuning, foldChroma } from './chroma.ts'

/** What speaks for a key: profiles from C on, each adding up to 1. */
export interface KeyEvidence {
  /** Pitch classes, of all and of the bass. */
  treble: Float64Array
  bass: Float64Array
  /** How much of the time each triad sounds: twelve major, then twelve minor. */
  triads: Float64Array
  /** Cents from a' = 440 Hz. */
  tuning: number
}

const FIFTH_AND_THIRD = 0.9
const BASS_ROOT = 0.4
/** How sharply the best triad is preferred to others. */
const SHARPNESS = 25

/** Null where no pitch is heard. */
export function collectKeyEvidence(chroma: FineChroma): KeyEvidence | null {
  const tuning = findTuning(chroma)
  const treble = new Float64Array(12)
  const bass = new Float64Array(12)
  const triads = new Float64Array(24)
  for (let row = 0; row < chroma.rows; row++) {
    const pitches = foldChroma(chroma.treble(row), tuning)
    const low = foldChroma(chroma.bass(row), tuning)
    for (let i = 0; i < 12; i++) {
      treble[i]! += pitches[i]!
      bass[i]! += low[i]!
    }
    if (normalise(pitches) > 0) {
      normalise(low)
      countTriads(pitches, low, triads)
    }
  }
  normalise(bass)
  normalise(triads)
  return normalise(treble) > 0 ? { treble, bass, triads, tuning } : null
}

/** Template matching (Fujishima 1999), softened: a row counts for the triads in proportion to how well they fit. */
function countTriads(pitches: Float64Array, bass: Float64Array, triads: Float64Array): void {
  const scores = new Float64Array(24)
  let top = 0
  for (let root = 0; root < 12; root++) {
    const frame = pitches[root]! + FIFTH_AND_THIRD * pitches[(root + 7) % 12]! + BASS_ROOT * bass[root]!
    scores[root] = frame + FIFTH_AND_THIRD * pitches[(root + 4) % 12]!
    scores[12 + root] = frame + FIFTH_AND_THIRD * pitches[(root + 3) % 12]!
    top = Math.max(top, scores[root]!, scores[12 + root]!)
  }
  let total = 0
  for (let k = 0; k < 24; k++) {
    scores[k] = Math.exp(SHARPNESS * (scores[k]! - top))
    total += scores[k]!
  }
  for (let k = 0; k < 24; k++) triads[k]! += scores[k]! / total
}

/** Makes values add up to 1; gives what they added up to before. */
function normalise(values: Float64Array): number {
  let sum = 0
  for (const value of values) sum += value
  if (sum > 0) for (let i = 0; i < values.length; i++) values[i] = values[i]! / sum
  return sum
}

/** Profiles of Faraldo et al. ("Key estimation in electronic dance music", 2016): weak degrees gated away. */
const PROFILES = {
  major: [1, 0, 0.42, 0, 0.53, 0.37, 0, 0.77, 0, 0.38, 0.21, 0.3],
  minor: [1, 0, 0.36, 0.39, 0, 0.38, 0, 0.74, 0.27, 0, 0.42, 0.23],
}
const BASS_PART = 0.3

/** Correlation (Krumhansl 1990) of the pitches, the bass once more, with a key's profile. */
export function correlateProfile({ treble, bass }: KeyEvidence, tonic: number, mode: 'major' | 'minor'): number {
  const profile = PROFILES[mode]
  let sumC = 0
  let sumP = 0
  const mixed = treble.map((value, i) => value + BASS_PART * 0.1 * bass[i]!)
  for (let i = 0; i < 12; i++) {
    sumC += mixed[i]! / 12
    sumP += profile[i]! / 12
  }
  let product = 0
  let energyC = 0
  let energyP = 0
  for (let i = 0; i < 12; i++) {
    const c = mixed[(i + tonic) % 12]! - sumC
    const p = profile[i]! - sumP
    product += c * p
    energyC += c * c
    energyP += p * p
  }
  return energyC > 0 ? product / Math.sqrt(energyC * energyP) : 0
}

export const KEY_FEATURES = 48

/** Treble, bass and triads as they lie above a tonic. */
export function describeKeyAt({ treble, bass, triads }: KeyEvidence, tonic: number): Float64Array {
  const out = new Float64Array(KEY_FEATURES)
  for (let i = 0; i < 12; i++) {
    const at = (i + tonic) % 12
    out[i] = treble[at]!
    out[12 + i] = bass[at]!
    out[24 + i] = triads[at]!
    out[36 + i] = triads[12 + at]!
  }
  return out
}
