import { type DecodeLimits, openDecoder } from './decode/index.ts'
import { readTags } from './tags.ts'
import type { AnalysisOutput } from './types.ts'
import { createWaveformBuilder, encodeWaveform } from './waveform.ts'

export interface AnalyseOptions {
  limits: DecodeLimits
  /** What is being done, and how much of all is done, 0 to 100. */
  onProgress(stage: string, percent: number): void
}

/** Analyses a sound file. Throws DecodeError where nothing of it can be decoded, or a limit is reached. */
export async function analyse(path: string, options: AnalyseOptions): Promise<AnalysisOutput> {
  const decoder = await openDecoder(path, options.limits)
  try {
    const { sampleRate, headerSeconds } = decoder.info
    const waveform = createWaveformBuilder(decoder.info)
    let peak = 0
    let frames = 0
    for await (const chunk of decoder.chunks()) {
      waveform.push(chunk)
      for (const plane of chunk.channels) {
        for (const value of plane) peak = Math.max(peak, Math.abs(value))
      }
      frames += chunk.frames
      const done = headerSeconds ? Math.min(1, frames / sampleRate / headerSeconds) : 0
      options.onProgress('decoding', Math.floor(done * 95))
    }
    options.onProgress('tags', 95)
    const tags = await readTags(path)
    const { seconds, complete, problem } = decoder.result()
    options.onProgress('done', 100)
    return { ...decoder.info, seconds, complete, problem, peak, waveform: encodeWaveform(waveform.finish()), tags }
  } finally {
    await decoder.close()
  }
}
