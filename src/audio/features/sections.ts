import { type FineChroma, foldChroma } from './chroma.ts'
import { MEL_BANDS } from './mel.ts'
import { ONSET_RATE, ROW_SECONDS } from './rates.ts'
import type { RowsInt16 } from './series.ts'

const CEPSTRA = 12
/** Seconds on either side of a boundary that are compared, and the shortest section. */
const REACH = 8
const SHORTEST = 8
/** Novelty, in its own standard deviations above the mean, from which a boundary is one. */
const BOUNDARY = 0.8
/** Cosine of two sections' means from which they have the same label. */
const ALIKE = 0.6
const MAX_SECTIONS = 200

export interface SectionReading {
  start: number
  end: number
  label: string
}

/**
 * A coarse structure: novelty of timbre (cepstra of mel levels) and harmony (chroma) along the diagonal of the
 * self-similarity matrix (Foote, "Automatic audio segmentation using a measure of audio novelty", 2000), one frame a
 * second; sections whose means are alike share a label.
 */
export function findSections(levels: RowsInt16, chroma: FineChroma, tuning: number, seconds: number): SectionReading[] {
  if (!(seconds > 0)) return []
  const frames = describeSeconds(levels, chroma, tuning, Math.floor(seconds))
  const bounds = [0, ...findBoundaries(frames), seconds]
  const means: Float64Array[] = []
  const labels: number[] = []
  const sections: SectionReading[] = []
  for (let s = 0; s + 1 < bounds.length; s++) {
    const [start, end] = [bounds[s]!, bounds[s + 1]!]
    const mean = meanOf(frames, Math.floor(start), Math.floor(end))
    let label = labels.length
    let nearest = ALIKE
    for (let other = 0; other < means.length; other++) {
      const similarity = cosine(mean, means[other]!)
      if (similarity > nearest) {
        nearest = similarity
        label = labels[other]!
      }
    }
    if (label === labels.length) label = labels.length === 0 ? 0 : Math.max(...labels) + 1
    means.push(mean)
    labels.push(label)
    sections.push({ start, end, label: nameOf(label) })
  }
  return sections
}

/** A … Z, AA, AB, … */
function nameOf(label: number): string {
  const last = String.fromCharCode(65 + (label % 26))
  return label < 26 ? last : nameOf(Math.floor(label / 26) - 1) + last
}

/** For every second: cepstra and chroma, each part standardised over the piece. */
function describeSeconds(levels: RowsInt16, chroma: FineChroma, tuning: number, count: number): Float64Array[] {
  const cepstra = Array.from({ length: count }, (_, s) => {
    const out = new Float64Array(CEPSTRA)
    const from = Math.min(levels.rows, Math.round(s * ONSET_RATE))
    const to = Math.min(levels.rows, Math.round((s + 1) * ONSET_RATE))
    const mean = new Float64Array(MEL_BANDS)
    for (let t = from; t < to; t++) {
      const { page, offset } = levels.locate(t)
      for (let b = 0; b < MEL_BANDS; b++) mean[b]! += page[offset + b]! / (to - from)
    }
    for (let c = 0; c < CEPSTRA; c++) {
      for (let b = 0; b < MEL_BANDS; b++) out[c]! += mean[b]! * Math.cos((Math.PI * c * (b + 0.5)) / MEL_BANDS)
    }
    return out
  })
  const pitches = Array.from({ length: count }, (_, s) => {
    const out = new Float64Array(12)
    const end = Math.min(chroma.rows, Math.round((s + 1) / ROW_SECONDS))
    for (let row = Math.round(s / ROW_SECONDS); row < end; row++) {
      const folded = foldChroma(chroma.treble(row), tuning)
      for (let i = 0; i < 12; i++) out[i]! += folded[i]!
    }
    const sum = out.reduce((all, value) => all + value, 0)
    return sum > 0 ? out.map((value) => value / sum) : out
  })
  standardise(cepstra)
  standardise(pitches)
  return cepstra.map((values, s) => Float64Array.from([...values, ...pitches[s]!.map((value) => value * 0.7)]))
}

function standardise(rows: Float64Array[]): void {
  const width = rows[0]?.length ?? 0
  for (let i = 0; i < width; i++) {
    let sum = 0
    let squares = 0
    for (const row of rows) {
      sum += row[i]!
      squares += row[i]! * row[i]!
    }
    const mean = sum / rows.length
    const deviation = Math.sqrt(Math.max(1e-12, squares / rows.length - mean * mean))
    for (const row of rows) row[i] = (row[i]! - mean) / deviation
  }
}

function cosine(a: Float64Array, b: Float64Array): number {
  let product = 0
  let energyA = 0
  let energyB = 0
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!
    energyA += a[i]! * a[i]!
    energyB += b[i]! * b[i]!
  }
  return energyA > 0 && energyB > 0 ? product / Math.sqrt(energyA * energyB) : 0
}

function meanOf(frames: Float64Array[], from: number, to: number): Float64Array {
  const mean = new Float64Array(CEPSTRA + 12)
  for (let s = from; s < Math.min(to, frames.length); s++) {
    for (let i = 0; i < mean.length; i++) mean[i]! += frames[s]![i]!
  }
  return mean
}

/** Seconds at which the checkerboard kernel finds a change. */
function findBoundaries(frames: Float64Array[]): number[] {
  const n = frames.length
  const novelty = new Float64Array(n)
  for (let t = SHORTEST; t <= n - SHORTEST; t++) {
    let sum = 0
    for (let i = -REACH; i < REACH; i++) {
      for (let j = -REACH; j < REACH; j++) {
        const [a, b] = [frames[t + i], frames[t + j]]
        if (!a || !b) continue
        const taper = Math.exp(-((i + 0.5) ** 2 + (j + 0.5) ** 2) / (0.5 * REACH * REACH))
        sum += (i < 0 === j < 0 ? 1 : -1) * taper * cosine(a, b)
      }
    }
    novelty[t] = sum
  }
  const inner = novelty.slice(SHORTEST, Math.max(SHORTEST, n - SHORTEST + 1))
  if (inner.length === 0) return []
  const mean = inner.reduce((all, value) => all + value, 0) / inner.length
  const deviation = Math.sqrt(inner.reduce((all, value) => all + (value - mean) ** 2, 0) / inner.length)
  const peaks: { at: number; value: number }[] = []
  for (let t = SHORTEST; t <= n - SHORTEST; t++) {
    const value = novelty[t]!
    if (value > 1 && value > mean + BOUNDARY * deviation && value > novelty[t - 1]! && value >= (novelty[t + 1] ?? 0)) {
      peaks.push({ at: t, value })
    }
  }
  peaks.sort((a, b) => b.value - a.value)
  const chosen: number[] = []
  for (const { at } of peaks) {
    if (chosen.length >= MAX_SECTIONS - 1) break
    if (chosen.every((other) => Math.abs(other - at) >= SHORTEST)) chosen.push(at)
  }
  return chosen.sort((a, b) => a - b)
}
