import type { SoundReading } from './features/reading.ts'

/** A measure that audio files are described by; docs/metrics.md holds the same table, made from this one. */
export interface Metric {
  name: string
  /** Empty where it has none. */
  unit: string
  description: string
  formula: string
  /** Where the formula comes from. */
  source: string
  /** 0 … 1. */
  importance: number
  /** Null where the sound does not tell. */
  compute(reading: SoundReading): number | null
}

export const METRICS: readonly Metric[] = [
  {
    name: 'Dynamics Quotient',
    unit: '',
    description: 'Measures variation in loudness over time. 0 is level.',
    formula: 'σ(s) / mean(s), s = 2^(L/10), L: short-term loudness above -70 LUFS and -20 LU',
    source: 'own; sones after Stevens 1955, windows and gates of EBU Tech 3342',
    importance: 0.8,
    compute: ({ loudness }) => loudness.dynamicsQuotient,
  },
  {
    name: 'MAD Divergence',
    unit: '',
    description:
      'How far the spread of short-term loudness departs from a normal distribution: above 0 a few passages stand out, below 0 loudness keeps to two levels.',
    formula: 'ln(σ(L) / (1.4826 · median(|L - median(L)|))), both at least 0.1 LU',
    source: 'own; median absolute deviation after Hampel 1974',
    importance: 0.4,
    compute: ({ loudness }) => loudness.madDivergence,
  },
  {
    name: 'Integrated Loudness',
    unit: 'LUFS',
    description: 'Loudness of the whole.',
    formula: 'gated mean of K-weighted power over 400 ms blocks',
    source: 'ITU-R BS.1770-4, EBU R 128',
    importance: 0.9,
    compute: ({ loudness }) => loudness.integrated,
  },
  {
    name: 'Loudness Range',
    unit: 'LU',
    description: 'From the quiet to the loud passages.',
    formula: '95th less 10th percentile of gated short-term loudness',
    source: 'EBU Tech 3342',
    importance: 0.7,
    compute: ({ loudness }) => loudness.range,
  },
  {
    name: 'Short-term Loudness Maximum',
    unit: 'LUFS',
    description: 'The loudest three seconds.',
    formula: 'max of K-weighted power over 3 s',
    source: 'EBU Tech 3341',
    importance: 0.4,
    compute: ({ loudness }) => loudness.shortTermMax,
  },
  {
    name: 'True Peak',
    unit: 'dBTP',
    description: 'The highest peak between the samples, too.',
    formula: 'max |x| after fourfold oversampling',
    source: 'ITU-R BS.1770-4, annex 2',
    importance: 0.7,
    compute: ({ loudness }) => loudness.truePeak,
  },
  {
    name: 'Crest Factor',
    unit: 'dB',
    description: 'Peak above the mean level; little where sound is compressed.',
    formula: '20 · log10(max |x| / RMS(x))',
    source: 'IEC 60268-1',
    importance: 0.6,
    compute: ({ loudness }) => loudness.crestFactor,
  },
  {
    name: 'Stereo Width',
    unit: '',
    description: 'How much differs between left and right: 0 for mono, 0.7 for two unlike channels, 1 out of phase.',
    formula: 'RMS(S) / √(RMS(M)² + RMS(S)²), M = (L + R) / 2, S = (L - R) / 2',
    source: 'mid and side after Blumlein 1931',
    importance: 0.6,
    compute: ({ stereo }) => stereo?.width ?? 0,
  },
  {
    name: 'Stereo Correlation',
    unit: '',
    description: 'Whether left and right move together: 1 mono, 0 unlike, -1 out of phase.',
    formula: 'cov(L, R) / (σ(L) · σ(R))',
    source: 'Pearson',
    importance: 0.5,
    compute: ({ stereo }) => (stereo ? stereo.correlation : 1),
  },
  {
    name: 'Tempo Stability',
    unit: '',
    description: 'How even the beats are: 1 is a click track.',
    formula: 'max(0, 1 - 4 · mean(|d - median(d)|) / median(d)), d: distances of beats',
    source: 'own; beats after Ellis 2007',
    importance: 0.6,
    compute: ({ tempo }) => tempo?.stability ?? null,
  },
  {
    name: 'Tempo Confidence',
    unit: '',
    description: 'How likely the tempo is right.',
    formula: 'calibrated probability of the best candidate',
    source: 'own; see docs/benchmarks.md',
    importance: 0.3,
    compute: ({ tempo }) => tempo?.confidence ?? null,
  },
  {
    name: 'Key Clarity',
    unit: '',
    description: 'How clearly the pitches gather in one key.',
    formula: 'Pearson correlation of the pitch class profile with the key’s profile, at least 0',
    source: 'Krumhansl 1990, profiles of Faraldo et al. 2016',
    importance: 0.6,
    compute: ({ key }) => key?.strength ?? null,
  },
  {
    name: 'Tuning Deviation',
    unit: 'cents',
    description: 'How far the piece lies above a′ = 440 Hz.',
    formula: 'circular mean of spectral peaks’ deviations from equal temperament',
    source: 'after Gómez 2006',
    importance: 0.3,
    compute: ({ key }) => key?.tuningCents ?? null,
  },
  {
    name: 'Spectral Centroid',
    unit: 'Hz',
    description: 'Where the middle of the spectrum lies: bright or dull.',
    formula: 'Σ f·|X| / Σ |X| up to 11 kHz, frames weighted by their RMS',
    source: 'Peeters 2004',
    importance: 0.5,
    compute: ({ spectrum }) => spectrum.centroid,
  },
  {
    name: 'Spectral Flatness',
    unit: '',
    description: 'From tone (0) to noise (1).',
    formula: 'geometric / arithmetic mean of |X|², frames weighted by their RMS',
    source: 'Johnston 1988',
    importance: 0.4,
    compute: ({ spectrum }) => spectrum.flatness,
  },
  {
    name: 'Onset Rate',
    unit: '1/s',
    description: 'Notes and strokes a second.',
    formula: 'peaks of onset strength / seconds',
    source: 'SuperFlux, Böck & Widmer 2013',
    importance: 0.5,
    compute: ({ onsets }) => onsets.perSecond,
  },
  {
    name: 'Silence Ratio',
    unit: '',
    description: 'Part of the piece below -60 dBFS.',
    formula: '50 ms blocks with RMS < -60 dBFS / all blocks',
    source: 'own',
    importance: 0.3,
    compute: ({ silence }) => silence.ratio,
  },
  {
    name: 'Clipping Ratio',
    unit: '',
    description: 'Part of the samples that are cut off at full scale.',
    formula: 'samples in runs of three or more with |x| ≥ 0.999 / all samples',
    source: 'own',
    importance: 0.4,
    compute: ({ clipping }) => clipping.ratio,
  },
]
