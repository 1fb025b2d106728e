/** Hz at which tempo, key and spectrum are analysed. */
export const ANALYSIS_RATE = 22_050
/** Onset frames: about 100 a second. */
export const ONSET_FRAME = 1024
export const ONSET_HOP = 220
export const ONSET_RATE = ANALYSIS_RATE / ONSET_HOP
/** Pitch frames: six a second; bins 2.7 Hz apart. */
export const PITCH_FRAME = 8192
export const PITCH_HOP = 3675
/** Pitch frames that are gathered into one row of chroma. */
export const ROW_FRAMES = 3
export const ROW_SECONDS = (ROW_FRAMES * PITCH_HOP) / ANALYSIS_RATE
