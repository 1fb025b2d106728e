import { ONSET_RATE } from './rates.ts'

/** How much a beat's distance from the expected one costs, beside strength (Ellis takes 100 to 400). */
const TIGHTNESS = 120

/**
 * Beat positions in seconds: dynamic programming (Ellis, "Beat tracking by dynamic programming", 2007) over a
 * normalised strength curve. `bpmAt` gives the expected tempo at a frame, so that it may change on the way.
 */
export function trackBeats(strength: Float32Array, bpmAt: (frame: number) => number): number[] {
  const n = strength.length
  const smooth = smoothen(strength)
  const score = new Float32Array(n)
  const from = new Int32Array(n).fill(-1)
  const costs = new Map<number, Float32Array>()
  for (let t = 0; t < n; t++) {
    const period = Math.max(8, Math.round((60 * ONSET_RATE) / bpmAt(t)))
    let cost = costs.get(period)
    if (!cost) {
      const longest = 2 * period
      cost = Float32Array.from({ length: longest + 1 }, (_, d) => (d === 0 ? 0 : TIGHTNESS * Math.log(d / period) ** 2))
      costs.set(period, cost)
    }
    let best = 0
    let bestAt = -1
    for (let d = Math.round(period / 2); d <= 2 * period && d <= t; d++) {
      const value = score[t - d]! - cost[d]!
      if (value > best) {
        best = value
        bestAt = t - d
      }
    }
    score[t] = smooth[t]! + best
    from[t] = bestAt
  }
  if (n === 0) return []
  const lastPeriod = Math.round((60 * ONSET_RATE) / bpmAt(n - 1))
  let at = n - 1
  for (let t = Math.max(0, n - Math.round(lastPeriod * 1.2)); t < n; t++) if (score[t]! > score[at]!) at = t
  const beats: number[] = []
  for (; at >= 0; at = from[at]!) beats.push(at)
  beats.reverse()
  return beats.map((frame) => Math.max(0, (frame + offsetOfPeak(smooth, frame)) / ONSET_RATE))
}

/** A Gaussian of 20 ms, so that an onset a frame early or late still counts. */
function smoothen(strength: Float32Array): Float32Array {
  const taps = [0.06, 0.24, 0.4, 0.24, 0.06]
  const out = new Float32Array(strength.length)
  for (let i = 0; i < out.length; i++) {
    let sum = 0
    for (let t = 0; t < taps.length; t++) sum += (strength[i + t - 2] ?? 0) * taps[t]!
    out[i] = sum
  }
  return out
}

function offsetOfPeak(curve: Float32Array, at: number): number {
  const [a, b, c] = [curve[at - 1] ?? 0, curve[at]!, curve[at + 1] ?? 0]
  const bend = a - 2 * b + c
  return bend < 0 && b >= a && b >= c ? (0.5 * (a - c)) / bend : 0
}
