/** The modified Bessel function I0, by its power series. */
function bessel0(x: number): number {
  let term = 1
  let sum = 1
  for (let k = 1; k < 60 && term > sum * 1e-15; k++) {
    term *= (x / (2 * k)) ** 2
    sum += term
  }
  return sum
}

const ZERO_CROSSINGS = 8
const KAISER_BETA = 6
/** Where the passband ends, as a part of the lower of the two Nyquist frequencies. */
const CUTOFF = 0.92

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}

/**
 * Changes the sample rate of one channel, chunk by chunk, by a rational factor: polyphase FIR (Crochiere & Rabiner
 * 1983), a sinc under Kaiser's window, about 60 dB down. Output sample k lies at time k / `toRate` of the input.
 */
export class Resampler {
  readonly #up: number
  readonly #down: number
  readonly #taps: number
  readonly #phases: Float64Array[]
  #history: Float64Array
  #held: number
  /** Input index that the history's first sample has, and the next output's index. */
  #origin: number
  #next = 0

  /**
   * Both rates are whole numbers, of Hz or in the same relation. With `cutoff` and `crossings` the passband ends elsewhere, and
   * less or more sharply.
   */
  constructor(fromRate: number, toRate: number, { cutoff = CUTOFF, crossings = ZERO_CROSSINGS } = {}) {
    const common = gcd(fromRate, toRate)
    this.#up = toRate / common
    this.#down = fromRate / common
    const scale = Math.min(1, toRate / fromRate) * cutoff
    const reach = fromRate === toRate ? 0 : Math.ceil(crossings / scale)
    this.#taps = 2 * reach + 1
    this.#phases = []
    for (let phase = 0; phase < this.#up; phase++) {
      const taps = new Float64Array(this.#taps)
      let sum = 0
      for (let t = 0; t < this.#taps; t++) {
        const x = t - reach - phase / this.#up
        const edge = x / (reach + 1)
        const window = Math.abs(edge) < 1 ? bessel0(KAISER_BETA * Math.sqrt(1 - edge * edge)) : 0
        const angle = Math.PI * x * scale
        const value = window * (angle === 0 ? 1 : Math.sin(angle) / angle)
        taps[t] = value
        sum += value
      }
      for (let t = 0; t < this.#taps; t++) taps[t] = taps[t]! / sum
      this.#phases.push(taps)
    }
    this.#history = new Float64Array(this.#taps + 16_384)
    this.#held = reach
    this.#origin = -reach
  }

  /** The output samples that `input` completes. */
  push(input: Float32Array): Float32Array {
    if (this.#history.length < this.#held + input.length) {
      const grown = new Float64Array(this.#held + input.length)
      grown.set(this.#history.subarray(0, this.#held))
      this.#history = grown
    }
    this.#history.set(input, this.#held)
    this.#held += input.length
    return this.#drain()
  }

  /** The last output samples, as if silence followed. */
  finish(): Float32Array {
    return this.push(new Float32Array((this.#taps - 1) / 2))
  }

  #drain(): Float32Array {
    const history = this.#history
    const taps = this.#taps | 0
    const end = this.#origin + this.#held
    // An output needs its `taps` inputs, of which the middle one lies at or before it.
    const out = new Float32Array(Math.max(0, Math.ceil(((end - this.#origin) * this.#up) / this.#down) + 1))
    let count = 0
    const reach = (taps - 1) / 2
    const up = this.#up
    const down = this.#down
    const last = (this.#held - taps) | 0
    // Position and phase go on in whole numbers: a remainder of large ones is slow.
    const whole = Math.floor(down / up) | 0
    const part = (down % up) | 0
    let next = this.#next
    let first = (Math.floor((next * down) / up) - reach - this.#origin) | 0
    let phase = ((next * down) % up) | 0
    if (up === 1) {
      const filter = this.#phases[0]!
      for (; first + 3 * down <= last; first += 4 * down, next += 4, count += 4) {
        convolveFour(history, first, down, filter, out, count)
      }
    }
    while (first <= last) {
      const filter = this.#phases[phase]!
      out[count++] = up === 1 ? convolveEven(history, first, filter) : convolve(history, first, filter)
      next++
      first += whole
      phase += part
      if (phase >= up) {
        phase -= up
        first++
      }
    }
    this.#next = next
    const needed = Math.floor((this.#next * this.#down) / this.#up) - reach
    const drop = Math.min(needed - this.#origin, this.#held)
    if (drop > 0) {
      history.copyWithin(0, drop, this.#held)
      this.#held -= drop
      this.#origin += drop
    }
    return out.subarray(0, count)
  }
}

/** The sum of products with an odd number of taps. Two sums, so that no addition waits for the one before. */
function convolve(x: Float64Array, first: number, taps: Float64Array): number {
  let a = x[first]! * taps[0]!
  let b = 0
  for (let t = 1; t < taps.length; t += 2) {
    a += x[first + t]! * taps[t]!
    b += x[first + t + 1]! * taps[t + 1]!
  }
  return a + b
}

/**
 * Four such sums, of frames `step` apart, where the taps mirror each other about the middle one: half of the products. They
 * share their loads of the taps, and none waits for the others' additions.
 */
function convolveFour(
  x: Float64Array,
  first: number,
  step: number,
  taps: Float64Array,
  out: Float32Array,
  at: number,
): void {
  const middle = (taps.length - 1) >> 1
  const tap = taps[middle]!
  const [second, third] = [step, 2 * step]
  const fourth = 3 * step
  let i = first
  let j = first + taps.length - 1
  let a = x[first + middle]! * tap
  let b = x[first + middle + second]! * tap
  let c = x[first + middle + third]! * tap
  let d = x[first + middle + fourth]! * tap
  for (let t = 0; t < middle; t++, i++, j--) {
    const weight = taps[t]!
    a += (x[i]! + x[j]!) * weight
    b += (x[i + second]! + x[j + second]!) * weight
    c += (x[i + third]! + x[j + third]!) * weight
    d += (x[i + fourth]! + x[j + fourth]!) * weight
  }
  out[at] = a
  out[at + 1] = b
  out[at + 2] = c
  out[at + 3] = d
}

/** One of them. */
function convolveEven(x: Float64Array, first: number, taps: Float64Array): number {
  const middle = (taps.length - 1) >> 1
  const end = first + taps.length - 1
  let sum = x[first + middle]! * taps[middle]!
  for (let t = 0; t < middle; t++) sum += (x[first + t]! + x[end - t]!) * taps[t]!
  return sum
}
