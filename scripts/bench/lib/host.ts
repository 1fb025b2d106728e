import { cpus } from 'node:os'
import { hostStolenMs } from './machine.ts'
import { Latencies } from './stats.ts'

/** Times of this length in which the host gave more than this share of the cores to others are not counted. */
const SLOT_MS = 500
const STOLEN_SHARE = 0.05
/** With fewer a p99 says nothing. */
const LEAST_COUNTED = 300

/** Times in which the host had the cores for others: on a shared machine they would be measured instead of the server. */
export function watchHost() {
  const stolen: { from: number; to: number }[] = []
  let from = performance.now()
  let before = hostStolenMs()
  const look = () => {
    const to = performance.now()
    const now = hostStolenMs()
    if (now - before > (to - from) * STOLEN_SHARE * cpus().length) stolen.push({ from, to })
    from = to
    before = now
  }
  const timer = setInterval(look, SLOT_MS)
  return {
    close() {
      clearInterval(timer)
      look()
    },
    /** Whether the host left the cores to us from one moment to another, of performance.now(). */
    isQuiet: (begin: number, end: number) => !stolen.some(({ from, to }) => begin < to && end > from),
  }
}

/** Latencies with when each ended, so that those of a busy host can be left out. */
export class TimedLatencies {
  private ended = new Float64Array(1 << 14)
  private took = new Float64Array(1 << 14)
  private count = 0

  /** `ms` before now, the moment `at` of performance.now(). */
  add(at: number, ms: number): void {
    if (this.count === this.ended.length) {
      this.ended = grown(this.ended)
      this.took = grown(this.took)
    }
    this.ended[this.count] = at
    this.took[this.count++] = ms
  }

  /** p50, p99 and longest in ms of those that are counted, NaN of too few; how many they are of how many. */
  summary(isQuiet: (begin: number, end: number) => boolean) {
    const latencies = new Latencies(Math.max(1, this.count))
    for (let at = 0; at < this.count; at++) {
      const end = this.ended[at]!
      const ms = this.took[at]!
      if (isQuiet(end - ms, end)) latencies.add(ms)
    }
    const { p50, p99, max, samples } = latencies.summary()
    const isEnough = samples >= LEAST_COUNTED
    const known = (ms: number) => (isEnough ? ms : Number.NaN)
    return { p50: known(p50), p99: known(p99), max: known(max), counted: samples, samples: this.count }
  }
}

function grown(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(values.length * 2)
  larger.set(values)
  return larger
}
