import type { Features } from './extractor.ts'

/** No guess from sound alone is given more than this. */
const HIGHEST_CONFIDENCE = 0.35

/** Typical values: onsets a second, centroid in Hz, parts of onsets that are low and high, BPM; and their scales. */
interface Prototype {
  name: string
  values: [onsets: number, centroid: number, low: number, high: number, bpm: number]
}
const SCALES = [1.6, 900, 0.1, 0.14, 0.28]

const PROTOTYPES: Prototype[] = [
  { name: 'ambient', values: [1, 900, 0.35, 0.2, 90] },
  { name: 'classical', values: [2.5, 1100, 0.27, 0.27, 95] },
  { name: 'folk', values: [4.5, 1500, 0.25, 0.35, 115] },
  { name: 'jazz', values: [4, 2200, 0.25, 0.45, 130] },
  { name: 'hip hop', values: [4, 2000, 0.38, 0.38, 90] },
  { name: 'pop', values: [4.5, 2400, 0.32, 0.4, 110] },
  { name: 'rock', values: [5, 2900, 0.3, 0.4, 125] },
  { name: 'electronic', values: [5.5, 2800, 0.38, 0.42, 128] },
  { name: 'drum and bass', values: [7, 3200, 0.34, 0.45, 172] },
]

/** A genre at low confidence: the nearest of a few prototypes in rhythm and timbre; null where little is known. */
export function guessGenre(features: Features): { name: string; confidence: number } | null {
  const { tempo, moments, onsets, onsetBands } = features
  if (!tempo || moments.centroid === null || features.seconds < 10) return null
  const values = [onsets.perSecond, moments.centroid, onsetBands[0], onsetBands[2], Math.log2(tempo.bpm)]
  const weights = PROTOTYPES.map(({ name, values: typical }) => {
    const target = [...typical.slice(0, 4), Math.log2(typical[4])]
    const distance = target.reduce((sum, value, i) => sum + ((values[i]! - value) / SCALES[i]!) ** 2, 0)
    return { name, weight: Math.exp(-0.5 * distance) }
  })
  const total = weights.reduce((sum, { weight }) => sum + weight, 0)
  if (total < 1e-6) return null
  const best = weights.reduce((a, b) => (b.weight > a.weight ? b : a))
  return { name: best.name, confidence: HIGHEST_CONFIDENCE * (best.weight / total) }
}
