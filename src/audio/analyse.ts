import { dynamicsQuotient, madDivergence } from './features/dynamics.ts'
import { FeatureExtractor, type Features } from './features/extractor.ts'
import { guessGenre } from './features/genre.ts'
import { PITCH_NAMES } from './features/key.ts'
import type { AnalysisOutput, KeyResult, LoudnessResult, PcmSource, TempoResult } from './types.ts'

/** Changes whenever results of the same file may change. */
export const MODEL_VERSION = 'phantom-ears/1.0.0'

/** Four hours at 140 BPM. */
export const MAX_BEATS = 33_600
const MAX_CURVE_POINTS = 1_200

export interface AnalyseHooks {
  /** `percent`: 0 … 100 of the whole. */
  onProgress?(stage: string, percent: number): void
  /** Where given, stages are timed by it, and `onSpent` told. */
  clock?(): number
  onSpent?(spent: Record<string, number>): void
}

/** Chunks between two reports of progress. */
const REPORT_EVERY = 32

/** Analyses decoded sound to its end. The source stays open. Throws what the source throws. */
export async function analysePcm(source: PcmSource, hooks: AnalyseHooks = {}): Promise<AnalysisOutput> {
  const { info } = source
  const clock = hooks.clock
  const extractor = new FeatureExtractor(info.sampleRate, info.channels, clock ?? null)
  const total = info.headerSeconds === null ? null : info.headerSeconds * info.sampleRate
  let frames = 0
  let chunks = 0
  hooks.onProgress?.('decode', 0)
  for await (const chunk of source.chunks()) {
    extractor.push(chunk.channels, chunk.frames)
    frames += chunk.frames
    if (++chunks % REPORT_EVERY === 0 && total) hooks.onProgress?.('decode', Math.min(85, (85 * frames) / total))
  }
  const percents: Record<string, number> = { tempo: 86, key: 94, sections: 96 }
  const features = extractor.finish((stage) => hooks.onProgress?.(stage, percents[stage] ?? 90))
  hooks.onSpent?.(extractor.spent)
  const { complete, problem } = source.result()
  const output = describe(features)
  hooks.onProgress?.('done', 100)
  return {
    modelVersion: MODEL_VERSION,
    seconds: round(features.seconds, 6),
    complete,
    problem,
    source: { container: info.container, codec: info.codec, sampleRate: info.sampleRate, channels: info.channels },
    ...output,
    waveform: null,
    tags: null,
  }
}

type Described = Omit<
  AnalysisOutput,
  'modelVersion' | 'seconds' | 'complete' | 'problem' | 'source' | 'waveform' | 'tags'
>

function describe(features: Features): Described {
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
