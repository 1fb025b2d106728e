import { neighbouringKeys, tempoBucketOf } from '../shared/harmony.ts'
import type { Sketch } from './score.ts'

/**
 * What sketches are found by: tags, instruments, and cells of sound. A cell is three features in steps, in one of the
 * tables, with the tempo's bucket (locality-sensitive hashing after Datar et al. 2004, with axes in place of random
 * projections): sketches that are alike share a cell of at least one table, and a cell stays small among many users.
 */
const tables: readonly { axes: [number, number, number]; offset: number }[] = [
  { axes: [0, 4, 7], offset: 0 },
  { axes: [1, 5, 8], offset: 0.5 },
  { axes: [2, 3, 6], offset: 0.25 },
  { axes: [0, 6, 8], offset: 0.75 },
  { axes: [1, 3, 7], offset: 0.35 },
  { axes: [2, 4, 5], offset: 0.6 },
]
/** Width of a step, in units of the features' references. */
const step = 1.5

/** The buckets of the weightiest tempos; `-` where none is known. */
function bucketsOf({ tempos }: Sketch, withNeighbours: boolean): string[] {
  if (tempos.length === 0) return ['-']
  const found = new Set<number>()
  for (const { bpm } of tempos.slice(0, 2)) {
    const { bucket, neighbour } = tempoBucketOf(bpm)
    found.add(bucket)
    if (withNeighbours) found.add(neighbour)
  }
  return [...found].map(String)
}

function soundFacets(sketch: Sketch, buckets: string[]): string[] {
  const found: string[] = []
  for (const [table, { axes, offset }] of tables.entries()) {
    const values = axes.map((axis) => sketch.features[axis])
    if (values.some((value) => typeof value !== 'number')) continue
    const cell = values.map((value) => Math.floor(value! / step + offset)).join()
    for (const bucket of buckets) found.push(`v${table}:${cell}/${bucket}`)
  }
  for (const { key } of sketch.keys) for (const bucket of buckets) found.push(`k:${key}/${bucket}`)
  return found
}

const tagFacet = (name: string) => `t:${name}`
export const tagFacets = (tags: { name: string }[]): string[] => tags.map(({ name }) => tagFacet(name))

const partFacets = (kind: 'p' | 'n', names: string[], buckets: string[]) =>
  names.flatMap((name) => [`${kind}:${name}`, ...buckets.map((bucket) => `${kind}:${name}/${bucket}`)])

/** What a sketch is found by. */
export function facetsOf(sketch: Sketch): string[] {
  const buckets = bucketsOf(sketch, false)
  return [
    ...tagFacets(sketch.tags),
    ...soundFacets(sketch, buckets),
    ...partFacets('p', sketch.plays, buckets),
    ...partFacets('n', sketch.needs, buckets),
  ]
}

/** What those who may suit a sketch are found by: the same tags and sound, what it lacks, and who lacks what it plays. */
export function soughtBy(sketch: Sketch): string[] {
  const buckets = bucketsOf(sketch, true)
  return [
    ...tagFacets(sketch.tags),
    ...soundFacets(sketch, buckets),
    ...partFacets('p', sketch.needs, buckets),
    ...partFacets('n', sketch.plays, buckets),
  ]
}

/** What recordings like one are found by, in neighbouring keys too; the tempo's octave never counts. */
export function likenessOf(sketch: Sketch): string[] {
  const buckets = bucketsOf(sketch, true)
  const keys = sketch.keys.flatMap(({ key }) => neighbouringKeys(key))
  return [...new Set([...soughtBy(sketch), ...keys.flatMap((key) => buckets.map((bucket) => `k:${key}/${bucket}`))])]
}
