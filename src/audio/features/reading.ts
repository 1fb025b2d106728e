/** What is heard in a sound: plain JSON, numbers in the units that their comments name. */
export interface SoundReading {
  /** How likely tempo and key, as far as they were found, are both right; 0 … 1. */
  confidence: number
  tempo: TempoResult | null
  key: KeyResult | null
  loudness: LoudnessResult
  /** Null for one channel; of more than two, the first two. */
  stereo: StereoResult | null
  spectrum: SpectrumResult
  onsets: { count: number; perSecond: number }
  silence: SilenceResult
  clipping: ClippingResult
  sections: Section[]
  genre: { name: string; confidence: number; from: 'features' | 'tags' } | null
}

export interface TempoResult {
  bpm: number
  /** 0 … 1, calibrated: of results with 0.8 about four in five are right. */
  confidence: number
  alternatives: { bpm: number; confidence: number }[]
  /** Seconds, ascending; at most MAX_BEATS. */
  beats: number[]
  curve: { seconds: number; bpm: number }[]
  /** 0 … 1; 1 is as steady as a click. */
  stability: number
}

export interface KeyResult {
  /** `C#m`, `F#`: sharps only, `m` for minor. */
  name: string
  /** `C#`. */
  tonic: string
  mode: 'major' | 'minor'
  /** 0 … 1, calibrated as the tempo's. */
  confidence: number
  /** 0 … 1: the correlation of the pitches' profile with the key's. */
  strength: number
  alternatives: { name: string; confidence: number }[]
  /** Cents that the piece lies above a' = 440 Hz, -50 … 50. */
  tuningCents: number
}

export interface LoudnessResult {
  /** LUFS; null where there is no sound above -70 LUFS. */
  integrated: number | null
  /** LU. */
  range: number | null
  momentaryMax: number | null
  shortTermMax: number | null
  /** dBTP and dBFS; null in digital silence. */
  truePeak: number | null
  samplePeak: number | null
  /** dB between sample peak and RMS. */
  crestFactor: number | null
  /** Short-term loudness in LUFS at the end of every step, null below -70 LUFS; the first at 3 s. */
  shortTermCurve: { stepSeconds: number; values: (number | null)[] }
  /** See docs/metrics.md. */
  dynamicsQuotient: number | null
  madDivergence: number | null
}

export interface StereoResult {
  /** RMS of the side over RMS of mid and side together, 0 (mono) … 1 (out of phase). */
  width: number
  /** Pearson's of left and right, -1 … 1; null where one is silent. */
  correlation: number | null
  /** Part of the power that the right channel has beyond the left's, -1 … 1. */
  balance: number
}

export interface SpectrumResult {
  /** Hz, of the sound below 11 kHz; null in silence. */
  centroid: number | null
  /** 0 … 1, noise is 1. */
  flatness: number | null
  /** Hz. */
  rolloff: number | null
}

export interface SilenceResult {
  /** Seconds below -60 dBFS: at the beginning, at the end, the longest stretch, and the part of the whole. */
  leading: number
  trailing: number
  longest: number
  ratio: number
}

export interface ClippingResult {
  /** Runs of three samples or more at full scale, the samples in them, and their part of all samples. */
  runs: number
  samples: number
  ratio: number
}

/** A part of the piece; parts that sound alike have the same label: A, B, … */
export interface Section {
  start: number
  end: number
  label: string
}
