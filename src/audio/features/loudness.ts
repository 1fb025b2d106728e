import { Series } from './series.ts'

/** Energies at or below the absolute gate don't count (ITU-R BS.1770-4, 2.8). */
const ABSOLUTE_GATE = -70
const INTEGRATED_GATE = -10
const RANGE_GATE = -20
/** Blocks begin every 100 ms: 400 ms overlapping by 75 %; short-term windows take 30 of the steps. */
const MOMENTARY_STEPS = 4
const SHORT_TERM_STEPS = 30

interface Biquad {
  b0: number
  b1: number
  b2: number
  a1: number
  a2: number
}

/**
 * The two filters of K-weighting at any rate: the analogue prototypes behind the coefficients that ITU-R BS.1770-4
 * gives for 48 kHz (found by De Man, "Evaluation of implementations of the EBU R128 loudness measurement", 2018).
 */
function kWeighting(sampleRate: number): [shelf: Biquad, highPass: Biquad] {
  const gain = 3.999843853973347
  const k = Math.tan((Math.PI * 1681.974450955533) / sampleRate)
  const q = 0.7071752369554196
  const vh = 10 ** (gain / 20)
  const vb = vh ** 0.4996667741545416
  const a0 = 1 + k / q + k * k
  const shelf = {
    b0: (vh + (vb * k) / q + k * k) / a0,
    b1: (2 * (k * k - vh)) / a0,
    b2: (vh - (vb * k) / q + k * k) / a0,
    a1: (2 * (k * k - 1)) / a0,
    a2: (1 - k / q + k * k) / a0,
  }
  const k2 = Math.tan((Math.PI * 38.13547087602444) / sampleRate)
  const q2 = 0.5003270373238773
  const d0 = 1 + k2 / q2 + k2 * k2
  return [shelf, { b0: 1, b1: -2, b2: 1, a1: (2 * (k2 * k2 - 1)) / d0, a2: (1 - k2 / q2 + k2 * k2) / d0 }]
}

/** Weights of channels by their number, in the order L R C LFE Ls Rs (BS.1770-4, table 3; 5 channels have no LFE). */
function channelWeights(channels: number): number[] {
  if (channels === 4) return [1, 1, 1.41, 1.41]
  if (channels === 5) return [1, 1, 1, 1.41, 1.41]
  if (channels >= 6) return [1, 1, 1, 0, 1.41, 1.41, ...new Array(channels - 6).fill(1)]
  return new Array(channels).fill(1)
}

export interface LoudnessReading {
  /** LUFS of the whole; null where all of it is below the absolute gate or shorter than 400 ms. */
  integrated: number | null
  /** LU between the 10th and the 95th percentile of short-term loudness (EBU Tech 3342); null below 3 s. */
  range: number | null
  momentaryMax: number | null
  shortTermMax: number | null
  /** LUFS every 100 ms, of the 400 ms and the 3 s that end there. */
  momentary: Float32Array
  shortTerm: Float32Array
}

const toLufs = (energy: number) => -0.691 + 10 * Math.log10(energy)
const toEnergy = (lufs: number) => 10 ** ((lufs + 0.691) / 10)

/** Loudness as ITU-R BS.1770-4, EBU R 128 and EBU Tech 3341 and 3342 define it. */
export class LoudnessMeter {
  readonly #rate: number
  readonly #weights: number[]
  readonly #filters: [Biquad, Biquad]
  /** Per channel: the two states of each filter. */
  readonly #state: Float64Array[]
  readonly #steps = new Series()
  #frame = 0
  #stepEnd: number
  #stepStart = 0
  #energy = 0

  constructor(sampleRate: number, channels: number) {
    this.#rate = sampleRate
    this.#weights = channelWeights(channels)
    this.#filters = kWeighting(sampleRate)
    this.#state = Array.from({ length: channels }, () => new Float64Array(4))
    this.#stepEnd = Math.round(sampleRate / 10)
  }

  push(channels: Float32Array[], frames: number): void {
    let done = 0
    while (done < frames) {
      const count = Math.min(frames - done, this.#stepEnd - this.#frame)
      // Two equal ones together, as neither waits for the other's additions.
      const isPair = channels.length === 2
      if (isPair) {
        const [left, right] = channels as [Float32Array, Float32Array]
        this.#energy += this.#filterTwo(left, right, done, done + count, this.#state[0]!, this.#state[1]!)
      }
      for (let c = isPair ? 2 : 0; c < channels.length; c++) {
        const weight = this.#weights[c]!
        if (weight > 0) this.#energy += weight * this.#filter(channels[c]!, done, done + count, this.#state[c]!)
      }
      done += count
      this.#frame += count
      if (this.#frame === this.#stepEnd) {
        this.#steps.push(this.#energy / (this.#stepEnd - this.#stepStart))
        this.#energy = 0
        this.#stepStart = this.#stepEnd
        this.#stepEnd = Math.round(((this.#steps.length + 1) * this.#rate) / 10)
      }
    }
  }

  /** The sum of squares of the K-weighted samples. */
  #filter(x: Float32Array, from: number, to: number, state: Float64Array): number {
    const [f, g] = this.#filters
    let s0 = state[0]!
    let s1 = state[1]!
    let s2 = state[2]!
    let s3 = state[3]!
    let sum = 0
    for (let i = from; i < to; i++) {
      const v = x[i]!
      const y = f.b0 * v + s0
      s0 = f.b1 * v - f.a1 * y + s1
      s1 = f.b2 * v - f.a2 * y
      const z = y + s2
      s2 = s3 - 2 * y - g.a1 * z
      s3 = y - g.a2 * z
      sum += z * z
    }
    keep(state, s0, s1, s2, s3)
    return sum
  }

  /** The same of two channels. */
  #filterTwo(
    x: Float32Array,
    y: Float32Array,
    from: number,
    to: number,
    stateX: Float64Array,
    stateY: Float64Array,
  ): number {
    const [f, g] = this.#filters
    const { b0, b1, b2, a1, a2 } = f
    const [g1, g2] = [g.a1, g.a2]
    let [s0, s1, s2, s3] = [stateX[0]!, stateX[1]!, stateX[2]!, stateX[3]!]
    let [t0, t1, t2, t3] = [stateY[0]!, stateY[1]!, stateY[2]!, stateY[3]!]
    let sumX = 0
    let sumY = 0
    for (let i = from; i < to; i++) {
      const v = x[i]!
      const w = y[i]!
      const p = b0 * v + s0
      const q = b0 * w + t0
      s0 = b1 * v - a1 * p + s1
      t0 = b1 * w - a1 * q + t1
      s1 = b2 * v - a2 * p
      t1 = b2 * w - a2 * q
      const zx = p + s2
      const zy = q + t2
      s2 = s3 - 2 * p - g1 * zx
      t2 = t3 - 2 * q - g1 * zy
      s3 = p - g2 * zx
      t3 = q - g2 * zy
      sumX += zx * zx
      sumY += zy * zy
    }
    keep(stateX, s0, s1, s2, s3)
    keep(stateY, t0, t1, t2, t3)
    return sumX + sumY
  }

  finish(): LoudnessReading {
    const blocks = this.#windows(MOMENTARY_STEPS)
    const shortTerm = this.#windows(SHORT_TERM_STEPS)
    const gated = gate(blocks, INTEGRATED_GATE)
    const ranged = gate(shortTerm, RANGE_GATE).sort()
    const percentile = (p: number) => toLufs(ranged[Math.round((ranged.length - 1) * p)]!)
    return {
      integrated: gated.length > 0 ? toLufs(mean(gated)) : null,
      range: ranged.length > 0 ? percentile(0.95) - percentile(0.1) : null,
      momentaryMax: loudest(blocks),
      shortTermMax: loudest(shortTerm),
      momentary: Float32Array.from(blocks, toLufs),
      shortTerm: Float32Array.from(shortTerm, toLufs),
    }
  }

  /** Mean energy of every window of so many steps. */
  #windows(steps: number): Float64Array {
    const out = new Float64Array(Math.max(0, this.#steps.length - steps + 1))
    for (let i = 0; i < out.length; i++) {
      let sum = 0
      for (let s = 0; s < steps; s++) sum += this.#steps.at(i + s)
      out[i] = sum / steps
    }
    return out
  }
}

/** Below this nothing is heard, and denormal numbers are slow. */
function keep(state: Float64Array, s0: number, s1: number, s2: number, s3: number): void {
  state[0] = Math.abs(s0) < 1e-30 ? 0 : s0
  state[1] = Math.abs(s1) < 1e-30 ? 0 : s1
  state[2] = Math.abs(s2) < 1e-30 ? 0 : s2
  state[3] = Math.abs(s3) < 1e-30 ? 0 : s3
}

function gate(energies: Float64Array, relative: number): Float64Array {
  const heard = energies.filter((energy) => energy > toEnergy(ABSOLUTE_GATE))
  if (heard.length === 0) return heard
  const threshold = mean(heard) * 10 ** (relative / 10)
  return heard.filter((energy) => energy > threshold)
}

function mean(values: Float64Array): number {
  let sum = 0
  for (const value of values) sum += value
  return sum / values.length
}

function loudest(energies: Float64Array): number | null {
  let max = 0
  for (const energy of energies) if (energy > max) max = energy
  return max > 0 ? toLufs(max) : null
}
