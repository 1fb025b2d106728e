import type { CatalogueDoc } from '../../../models/Catalogue.ts'

export type CatalogueSums = Pick<CatalogueDoc, 'counts' | 'sums' | 'squares'>

/**
 * The measures that make the vector, each with a fixed reference, of which values are kept in units: `(x - mean) / scale`.
 * The references keep sums small and cells in place; scores use the means and deviations of the catalogue itself.
 */
export const features: readonly { metric: string; mean: number; scale: number }[] = [
  { metric: 'Integrated Loudness', mean: -14, scale: 5 },
  { metric: 'Loudness Range', mean: 7, scale: 4 },
  { metric: 'Crest Factor', mean: 14, scale: 4 },
  { metric: 'Stereo Width', mean: 0.3, scale: 0.15 },
  { metric: 'Dynamics Quotient', mean: 0.35, scale: 0.2 },
  { metric: 'Tempo Stability', mean: 0.8, scale: 0.2 },
  { metric: 'Onset Rate', mean: 4, scale: 2 },
  { metric: 'Spectral Centroid', mean: 2_500, scale: 1_000 },
  { metric: 'Spectral Flatness', mean: 0.1, scale: 0.1 },
]

/** Farther from the reference a value counts as this far: a broken measure can't move the catalogue. */
const farthest = 6

/** The vector of measures by name; null where one is not known or not a number. */
export const vectorOf = (metricValue: (metric: string) => unknown): (number | null)[] =>
  features.map(({ metric, mean, scale }) => {
    const value = metricValue(metric)
    if (typeof value !== 'number' || !Number.isFinite(value)) return null
    return Math.max(-farthest, Math.min(farthest, (value - mean) / scale))
  })

/** How the features are spread over the catalogue. */
export interface Spread {
  means: number[]
  deviations: number[]
}

/** As many made-up values at the reference does a feature begin with, so that the first recordings are no measure. */
const prior = 10
/** Features that hardly differ must not be blown up. */
const leastDeviation = 0.05

/** Mean and standard deviation of each feature by running sums, drawn to the reference while there are few values. */
export function spreadOf(sums: CatalogueSums | null): Spread {
  const means: number[] = []
  const deviations: number[] = []
  for (let at = 0; at < features.length; at++) {
    const count = prior + Math.max(0, sums?.counts[at] ?? 0)
    const mean = (sums?.sums[at] ?? 0) / count
    const square = (prior + (sums?.squares[at] ?? 0)) / count
    means.push(mean)
    deviations.push(Math.sqrt(Math.max(leastDeviation ** 2, square - mean ** 2)))
  }
  return { means, deviations }
}

/** What running sums change by when a recording's vector comes (sign 1) or goes (sign -1), as MongoDB's `$inc` has it. */
export function sumsChange(changes: [vector: (number | null)[], sign: 1 | -1][]): Record<string, number> {
  const inc: Record<string, number> = {}
  const add = (field: string, by: number) => {
    inc[field] = (inc[field] ?? 0) + by
  }
  for (const [vector, sign] of changes) {
    for (const [at, value] of vector.entries()) {
      if (value === null || at >= features.length) continue
      add(`counts.${at}`, sign)
      add(`sums.${at}`, sign * value)
      add(`squares.${at}`, sign * value * value)
    }
  }
  return inc
}
