import type { DecodedInfo, DecodeResult } from './decode/index.ts'
import type { SoundReading } from './features/reading.ts'

/** What one analysis gives of a file: `complete` and `problem` tell whether all of it was heard. */
export interface AnalysisOutput extends DecodedInfo, Omit<DecodeResult, 'frames'>, SoundReading {
  /** Names the analyser and its version. */
  modelVersion: string
}
