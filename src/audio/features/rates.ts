/** Hz at which tempo, key and spectrum are analysed. */
export const ANALYSIS_RATE = 22_050
/** Onset frames: about 100 a second. */
export const ONSET_FRAME = 1024
export const ONSET_HOP = 220
export const ONSET_RATE = ANALYSIS_RATE / ONSET_HOP
/** Pitches are sought at a quarter of the rate: none is above 1,300 Hz. */
export const PITCH_DIVISOR = 4
export const PITCH_RATE = ANALYSIS_RATE / PITCH_DIVISOR
/** Pitch frames: six a second; bins 2.7 Hz apart. */
export const PITCH_FRAME = 2048
export const PITCH_HOP = 919
/** Pitch frames that are gathered into one row of chroma. */
export const ROW_FRAMES = 3
/** Half a second, but for a part in seven thousand. */
export const ROW_SECONDS = (ROW_FRAMES * PITCH_HOP) / PITCH_RATE
