import { MEL_BANDS, MEL_EDGES } from './mel.ts'
import type { RowsInt16 } from './series.ts'

/** Bands of a level table, lowest and highest + 1. */
const bandOf = (hz: number) => Math.max(0, MEL_EDGES.findIndex((edge) => edge > hz) - 1)
const LOW_END = bandOf(220)
const MID_END = bandOf(2_000)

export interface OnsetStrength {
  full: Float32Array
  low: Float32Array
  mid: Float32Array
  high: Float32Array
}

/** dB under the file's loud frames at which a band's level counts as nothing. */
const DEPTH = 60
/** Levels are compared with those of two frames before, the largest of three bands there. */
const LAG = 2

/**
 * Onset strength: SuperFlux (Böck & Widmer, "Maximum filter vibrato suppression for onset detection", DAFx 2013) on
 * log-mel levels. The scale of levels hangs on the file's own loudness, so that gain changes nothing.
 */
export function measureOnsets(levels: RowsInt16): OnsetStrength {
  const frames = levels.rows
  const out = {
    full: new Float32Array(frames),
    low: new Float32Array(frames),
    mid: new Float32Array(frames),
    high: new Float32Array(frames),
  }
  const floor = loudLevel(levels) - DEPTH * 100
  for (let t = LAG; t < frames; t++) {
    const now = levels.locate(t)
    const then = levels.locate(t - LAG)
    let low = 0
    let mid = 0
    let high = 0
    for (let b = 0; b < MEL_BANDS; b++) {
      const level = now.page[now.offset + b]!
      if (level <= floor) continue
      let before = then.page[then.offset + b]!
      if (b > 0) before = Math.max(before, then.page[then.offset + b - 1]!)
      if (b < MEL_BANDS - 1) before = Math.max(before, then.page[then.offset + b + 1]!)
      const rise = compress(level - floor) - compress(before - floor)
      if (rise <= 0) continue
      if (b < LOW_END) low += rise
      else if (b < MID_END) mid += rise
      else high += rise
    }
    out.low[t] = low / LOW_END
    out.mid[t] = mid / (MID_END - LOW_END)
    out.high[t] = high / (MEL_BANDS - MID_END)
    out.full[t] = (low + mid + high) / MEL_BANDS
  }
  return out
}

/** log10(1 + γ · magnitude), where the magnitude is 1 at the loud level: what `levels` above the floor come to. */
const GAMMA = 100
const COMPRESSED = Float32Array.from({ length: 12_000 }, (_, i) =>
  Math.log10(1 + GAMMA * 10 ** ((i / 100 - DEPTH) / 20)),
)
const NOTHING = COMPRESSED[0]!

function compress(aboveFloor: number): number {
  if (aboveFloor <= 0) return NOTHING
  return COMPRESSED[aboveFloor < 12_000 ? aboveFloor : 11_999]!
}

/** The level that the loudest band of a frame exceeds in one frame of ten. */
function loudLevel(levels: RowsInt16): number {
  const counts = new Uint32Array(65_536)
  for (let t = 0; t < levels.rows; t++) {
    const { page, offset } = levels.locate(t)
    let max = -32_768
    for (let b = 0; b < MEL_BANDS; b++) if (page[offset + b]! > max) max = page[offset + b]!
    counts[max + 32_768]!++
  }
  let above = levels.rows / 10
  for (let level = 65_535; level > 0; level--) {
    above -= counts[level]!
    if (above < 0) return level - 32_768
  }
  return 0
}

/** Frames at which a note begins: peaks of the onset strength above its surroundings (Böck et al., ISMIR 2012). */
export function pickOnsets(strength: Float32Array, frameRate: number): number[] {
  const reach = Math.round(0.03 * frameRate)
  const around = Math.round(0.1 * frameRate)
  let mean = 0
  for (const value of strength) mean += value
  mean /= Math.max(1, strength.length)
  const onsets: number[] = []
  let last = Number.NEGATIVE_INFINITY
  for (let t = 0; t < strength.length; t++) {
    const value = strength[t]!
    if (value < 0.02 || t - last < reach) continue
    let local = 0
    let count = 0
    let isPeak = true
    for (let i = Math.max(0, t - around); i <= Math.min(strength.length - 1, t + around); i++) {
      local += strength[i]!
      count++
      if (Math.abs(i - t) <= reach && (strength[i]! > value || (strength[i]! === value && i < t))) isPeak = false
    }
    if (!isPeak || value < local / count + 0.5 * mean + 0.01) continue
    onsets.push(t)
    last = t
  }
  return onsets
}
