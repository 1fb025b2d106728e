/** What a clip is known to be. */
export interface Truth {
  file: string
  category?: string
  bpm: number | null
  key: string | null
  mode: string | null
  keyDisputed?: boolean
}

/** What was found. */
export interface Prediction {
  file: string
  bpm: number
  key: string | null
  mode: string | null
  confidence: number
  duration: number
}

const CLASSES: Record<string, number> = {
  C: 0,
  'B#': 0,
  'C#': 1,
  Db: 1,
  D: 2,
  'D#': 3,
  Eb: 3,
  E: 4,
  Fb: 4,
  F: 5,
  'E#': 5,
  'F#': 6,
  Gb: 6,
  G: 7,
  'G#': 8,
  Ab: 8,
  A: 9,
  'A#': 10,
  Bb: 10,
  B: 11,
  Cb: 11,
}

/** Whether a tempo is within 4 % of the truth, or of that in another metre. */
export function isTempoRight(bpm: number, truth: number, ratios = [1]): boolean {
  return ratios.some((ratio) => Math.abs(bpm - truth * ratio) <= 0.04 * truth * ratio)
}

/** The weighted key score of MIREX: 1 right, 0.5 a fifth above, 0.3 relative, 0.2 parallel. */
export function scoreKey(
  truth: { key: string; mode: string },
  found: { key: string | null; mode: string | null },
): number {
  const expected = CLASSES[truth.key]
  const named = found.key === null ? undefined : CLASSES[found.key]
  if (expected === undefined || named === undefined) return 0
  const interval = (named - expected + 12) % 12
  if (found.mode === truth.mode) return interval === 0 ? 1 : interval === 7 ? 0.5 : 0
  if (interval === 0) return 0.2
  return interval === (truth.mode === 'major' ? 9 : 3) ? 0.3 : 0
}

export interface Scores {
  clips: number
  acc1: number
  acc2: number
  keyed: number
  key: number
  mirex: number
}

/** Scores by category, and of all: parts of 1. */
export function scoreAll(truths: Truth[], predictions: Prediction[]): Map<string, Scores> {
  const base = (file: string) => file.split('/').pop()!
  const found = new Map(predictions.map((prediction) => [base(prediction.file), prediction]))
  const table = new Map<string, Scores>()
  for (const truth of truths) {
    const prediction = found.get(base(truth.file))
    for (const category of ['all', truth.category ?? 'other']) {
      const row = table.get(category) ?? { clips: 0, acc1: 0, acc2: 0, keyed: 0, key: 0, mirex: 0 }
      table.set(category, row)
      if (truth.bpm) {
        row.clips++
        if (prediction && isTempoRight(prediction.bpm, truth.bpm)) row.acc1++
        if (prediction && isTempoRight(prediction.bpm, truth.bpm, [1, 2, 3, 1 / 2, 1 / 3])) row.acc2++
      }
      if (truth.key && truth.mode) {
        row.keyed++
        const value = prediction ? scoreKey({ key: truth.key, mode: truth.mode }, prediction) : 0
        if (value === 1) row.key++
        row.mirex += value
      }
    }
  }
  for (const row of table.values()) {
    row.acc1 /= Math.max(1, row.clips)
    row.acc2 /= Math.max(1, row.clips)
    row.key /= Math.max(1, row.keyed)
    row.mirex /= Math.max(1, row.keyed)
  }
  return table
}
