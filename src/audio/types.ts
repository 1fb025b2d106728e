import type { AudioTags } from './tags.ts'

/** What one analysis gives: numbers and texts, and two pieces of bytes, the waveform and the cover among the tags. */
export interface AnalysisOutput {
  container: string
  codec: string
  sampleRate: number
  channels: number
  seconds: number
  /** The length that the file's header claims, null where it claims none. */
  headerSeconds: number | null
  /** False where sound is missing or damaged: `problem` says why, and all else is of the part that is there. */
  complete: boolean
  problem: string | null
  /** Highest absolute sample. */
  peak: number
  /** As encodeWaveform (waveform.ts) stores it. */
  waveform: Uint8Array
  tags: AudioTags
}
