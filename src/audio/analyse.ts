import { type DecodeLimits, openDecoder } from './decode/index.ts'
import { describeSound } from './features/describe.ts'
import { FeatureExtractor, type Stage } from './features/extractor.ts'
import { readTags } from './tags.ts'
import type { AnalysisOutput } from './types.ts'
import { createWaveformBuilder, encodeWaveform } from './waveform.ts'

/** Changes whenever results of the same file may change. */
export const MODEL_VERSION = 'phantom-ears/1.0.0'

export interface AnalyseOptions {
  limits: DecodeLimits
  /** What is being done, and how much of all is done, 0 to 100. */
  onProgress(stage: string, percent: number): void
  /** Where given, the stages of the features are timed by `clock`. */
  profile?: { clock(): number; onSpent(spent: Record<Stage, number>): void }
}

/** Parts of the whole that are done when these stages begin; decoding and what goes with it is all before. */
const STAGE_PERCENTS: Partial<Record<Stage, number>> = { tempo: 90, key: 93, sections: 94 }
const DECODING_PERCENT = 90
/** Who tags a file knows it, but the words for genres are loose. */
const TAG_CONFIDENCE = 0.8

/** Analyses a sound file. Throws DecodeError where nothing of it can be decoded, or a limit is reached. */
export async function analyse(path: string, options: AnalyseOptions): Promise<AnalysisOutput> {
  const decoder = await openDecoder(path, options.limits)
  try {
    const { sampleRate, channels, headerSeconds } = decoder.info
    const waveform = createWaveformBuilder(decoder.info)
    const extractor = new FeatureExtractor(sampleRate, channels, options.profile?.clock ?? null)
    let frames = 0
    for await (const chunk of decoder.chunks()) {
      waveform.push(chunk)
      extractor.push(chunk.channels, chunk.frames)
      frames += chunk.frames
      const done = headerSeconds ? Math.min(1, frames / sampleRate / headerSeconds) : 0
      options.onProgress('decoding', Math.floor(done * DECODING_PERCENT))
    }
    const features = extractor.finish((stage) => options.onProgress(stage, STAGE_PERCENTS[stage] ?? DECODING_PERCENT))
    options.profile?.onSpent(extractor.spent)
    options.onProgress('tags', 95)
    const tags = await readTags(path)
    const { seconds, complete, problem } = decoder.result()
    const reading = describeSound(features)
    const tagged = tags.genres[0]
    if (tagged) reading.genre = { name: tagged, confidence: TAG_CONFIDENCE, from: 'tags' }
    options.onProgress('done', 100)
    return {
      ...decoder.info,
      seconds,
      complete,
      problem,
      peak: features.levels.samplePeak,
      ...reading,
      waveform: encodeWaveform(waveform.finish()),
      tags,
      modelVersion: MODEL_VERSION,
    }
  } finally {
    await decoder.close()
  }
}
