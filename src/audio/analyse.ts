import { type DecodeLimits, openDecoder } from './decode/index.ts'
import { describeSound } from './features/describe.ts'
import { FeatureExtractor, type Stage } from './features/extractor.ts'
import type { AnalysisOutput } from './types.ts'

/** Changes whenever results of the same file may change. */
export const MODEL_VERSION = 'phantom-ears/1.0.0'

export interface AnalyseOptions {
  limits: DecodeLimits
  /** What is being done, and how much of all is done, 0 to 100. */
  onProgress?(stage: string, percent: number): void
  /** Where given, the stages of the features are timed by `clock`. */
  profile?: { clock(): number; onSpent(spent: Record<Stage, number>): void }
}

/** Parts of the whole that are done when these stages begin; decoding and what goes with it is all before. */
const STAGE_PERCENTS: Partial<Record<Stage, number>> = { tempo: 90, key: 94, sections: 95 }
const DECODING_PERCENT = 90

/** Analyses a sound file. Throws DecodeError where nothing of it can be decoded, or a limit is reached. */
export async function analyse(path: string, options: AnalyseOptions): Promise<AnalysisOutput> {
  const decoder = await openDecoder(path, options.limits)
  try {
    const { sampleRate, channels, headerSeconds } = decoder.info
    const extractor = new FeatureExtractor(sampleRate, channels, options.profile?.clock ?? null)
    let frames = 0
    let told = -1
    const tell = (stage: string, percent: number) => {
      if (percent > told) options.onProgress?.(stage, percent)
      told = Math.max(told, percent)
    }
    for await (const chunk of decoder.chunks()) {
      extractor.push(chunk.channels, chunk.frames)
      frames += chunk.frames
      const done = headerSeconds ? Math.min(1, frames / sampleRate / headerSeconds) : 0
      tell('decoding', Math.floor(done * DECODING_PERCENT))
    }
    const features = extractor.finish((stage) => tell(stage, STAGE_PERCENTS[stage] ?? DECODING_PERCENT))
    options.profile?.onSpent(extractor.spent)
    const { seconds, complete, problem } = decoder.result()
    const reading = describeSound(features)
    tell('done', 100)
    return { ...decoder.info, seconds, complete, problem, ...reading, modelVersion: MODEL_VERSION }
  } finally {
    await decoder.close()
  }
}
