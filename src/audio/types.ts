import type { DecodedInfo, DecodeResult } from './decode/index.ts'
import type { SoundReading } from './features/reading.ts'
import type { AudioTags } from './tags.ts'

/**
 * What one analysis gives: numbers and texts, and two pieces of bytes, the waveform and the cover among the tags. Where
 * `complete` is false, `problem` says why, and all else is of the part that is there.
 */
export interface AnalysisOutput extends DecodedInfo, Omit<DecodeResult, 'frames'>, SoundReading {
  /** Highest absolute sample. */
  peak: number
  /** As encodeWaveform (waveform.ts) stores it. */
  waveform: Uint8Array
  tags: AudioTags
  /** Names the analyser and its version. */
  modelVersion: string
}
