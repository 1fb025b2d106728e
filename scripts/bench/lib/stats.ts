/** The middle value; NaN of none. */
export function median(values: number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b)
  if (sorted.length === 0) return Number.NaN
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** (max - min) / median: how far the rounds lie apart. */
export function spread(values: number[]): number {
  const known = values.filter((value) => !Number.isNaN(value))
  return known.length ? (Math.max(...known) - Math.min(...known)) / median(known) : Number.NaN
}

/** Latencies of one window, in ms. Bounded: past `limit` samples further ones replace older ones, spread evenly. */
export class Latencies {
  private readonly values: Float64Array
  private count = 0

  constructor(limit = 1 << 20) {
    this.values = new Float64Array(limit)
  }

  add(ms: number): void {
    this.values[this.count++ % this.values.length] = ms
  }

  clear(): void {
    this.count = 0
  }

  /** p50, p99 and max in ms, and how many were seen. */
  summary(): { p50: number; p99: number; max: number; samples: number } {
    const sorted = this.values.slice(0, Math.min(this.count, this.values.length)).sort()
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
    return { p50: at(0.5), p99: at(0.99), max: at(1), samples: this.count }
  }
}
