import { dynamicsQuotient, madDivergence } from './dynamics.ts'
import type { Features } from './extractor.ts'
import { guessGenre } from './genre.ts'
import { PITCH_NAMES } from './key.ts'
import type { KeyResult, LoudnessResult, SoundReading, TempoResult } from './reading.ts'

/** Four hours at 140 BPM. */
const MAX_BEATS = 33_600
const MAX_CURVE_POINTS = 1_200

/** Features as they are stored and told: rounded to what they are worth, and bounded in length. */
export function describeSound(features: Features): SoundReading {
  const { levels, moments, onsets } = features
  const tempo = describeTempo(features)
  const key = describeKey(features)
  const genre = guessGenre(features)
  return {
    confidence: round((tempo?.confidence ?? 1) * (key?.confidence ?? 1) * (tempo || key ? 1 : 0), 3),
    tempo,
    key,
    loudness: describeLoudness(features),
    stereo: levels.stereo && {
      width: round(levels.stereo.width, 4),
      correlation: levels.stereo.correlation === null ? null : round(levels.stereo.correlation, 4),
      balance: round(levels.stereo.balance, 4),
    },
    spectrum: {
      centroid: roundOr(moments.centroid, 1),
      flatness: roundOr(moments.flatness, 5),
      rolloff: roundOr(moments.rolloff, 1),
    },
    onsets: { count: onsets.count, perSecond: round(onsets.perSecond, 3) },
    silence: {
      leading: round(levels.silence.leading, 2),
      trailing: round(levels.silence.trailing, 2),
      longest: round(levels.silence.longest, 2),
      ratio: round(levels.silence.ratio, 4),
    },
    clipping: { ...levels.clipping, ratio: round(levels.clipping.ratio, 8) },
    sections: features.sections.map(({ start, end, label }) => ({ start: round(start, 2), end: round(end, 2), label })),
    genre: genre && { name: genre.name, confidence: round(genre.confidence, 3), from: 'features' },
  }
}

function describeTempo({ tempo }: Features): TempoResult | null {
  if (!tempo) return null
  return {
    bpm: round(tempo.bpm, 2),
    confidence: round(tempo.confidence, 3),
    alternatives: tempo.alternatives.map(({ bpm, confidence }) => ({
      bpm: round(bpm, 2),
      confidence: round(confidence, 3),
    })),
    beats: tempo.beats.slice(0, MAX_BEATS).map((beat) => round(beat, 3)),
    curve: thin(tempo.curve).map(({ seconds, bpm }) => ({ seconds: round(seconds, 1), bpm: round(bpm, 2) })),
    stability: round(tempo.stability, 4),
  }
}

function describeKey({ key }: Features): KeyResult | null {
  if (!key) return null
  return {
    name: key.name,
    tonic: PITCH_NAMES[key.tonic]!,
    mode: key.mode,
    confidence: round(key.confidence, 3),
    strength: round(key.strength, 4),
    alternatives: key.alternatives.map(({ name, confidence }) => ({ name, confidence: round(confidence, 3) })),
    tuningCents: round(key.tuning, 1),
  }
}

function describeLoudness({ loudness, levels }: Features): LoudnessResult {
  const decibels = (linear: number) => (linear > 0 ? round(20 * Math.log10(linear), 2) : null)
  // A step of a second or more, so that hours still fit.
  const step = Math.max(10, 10 * Math.ceil(loudness.shortTerm.length / 10 / MAX_CURVE_POINTS))
  const values: (number | null)[] = []
  for (let i = 0; i < loudness.shortTerm.length; i += step) {
    const lufs = loudness.shortTerm[i]!
    values.push(lufs > -70 ? round(lufs, 2) : null)
  }
  return {
    integrated: roundOr(loudness.integrated, 2),
    range: roundOr(loudness.range, 2),
    momentaryMax: roundOr(loudness.momentaryMax, 2),
    shortTermMax: roundOr(loudness.shortTermMax, 2),
    truePeak: decibels(levels.truePeak),
    samplePeak: decibels(levels.samplePeak),
    crestFactor: levels.rms > 0 ? decibels(levels.samplePeak / levels.rms) : null,
    shortTermCurve: { stepSeconds: step / 10, values },
    dynamicsQuotient: roundOr(dynamicsQuotient(loudness.shortTerm), 4),
    madDivergence: roundOr(madDivergence(loudness.shortTerm), 4),
  }
}

function thin<T>(points: T[]): T[] {
  const every = Math.max(1, Math.ceil(points.length / MAX_CURVE_POINTS))
  return points.filter((_, i) => i % every === 0)
}

function round(value: number, digits: number): number {
  const scale = 10 ** digits
  return Math.round(value * scale) / scale
}

function roundOr(value: number | null, digits: number): number | null {
  return value === null || !Number.isFinite(value) ? null : round(value, digits)
}
