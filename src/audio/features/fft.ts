/**
 * Discrete Fourier transform of real signals: Cooley & Tukey (1965), decimation in time, passes of
 * radix 4, on half the length by packing even and odd samples into one complex signal.
 */
export class RealFft {
  readonly size: number
  /** Real and imaginary parts of bins 0 … size / 2 of the last transform. */
  readonly re: Float64Array
  readonly im: Float64Array
  readonly #half: number
  readonly #order: Uint32Array
  readonly #cos: Float64Array
  readonly #sin: Float64Array
  readonly #zr: Float64Array
  readonly #zi: Float64Array

  /** `size`: a power of two, 16 or more. */
  constructor(size: number) {
    if (size < 16 || (size & (size - 1)) !== 0) throw new RangeError(`FFT size ${size} is no power of two from 16`)
    this.size = size
    const half = (size / 2) | 0
    this.#half = half
    this.re = new Float64Array(half + 1)
    this.im = new Float64Array(half + 1)
    this.#zr = new Float64Array(half)
    this.#zi = new Float64Array(half)
    this.#cos = new Float64Array(half)
    this.#sin = new Float64Array(half)
    for (let k = 0; k < half; k++) {
      this.#cos[k] = Math.cos((2 * Math.PI * k) / size)
      this.#sin[k] = -Math.sin((2 * Math.PI * k) / size)
    }
    this.#order = new Uint32Array(half)
    const bits = Math.log2(half)
    for (let i = 0; i < half; i++) {
      let reversed = 0
      for (let bit = 0; bit < bits; bit++) if (i & (1 << bit)) reversed |= 1 << (bits - 1 - bit)
      this.#order[i] = reversed
    }
  }

  /** Transforms `size` samples of `input` from `offset`, each times `window` where given, into `re` and `im`. */
  transform(input: ArrayLike<number>, offset = 0, window?: ArrayLike<number>): void {
    const half = this.#half | 0
    const zr = this.#zr
    const zi = this.#zi
    const order = this.#order
    if (window) {
      for (let i = 0; i < half; i++) {
        const at = 2 * order[i]!
        zr[i] = input[offset + at]! * window[at]!
        zi[i] = input[offset + at + 1]! * window[at + 1]!
      }
    } else {
      for (let i = 0; i < half; i++) {
        const at = 2 * order[i]!
        zr[i] = input[offset + at]!
        zi[i] = input[offset + at + 1]!
      }
    }
    this.#butterflies()
    this.#unpack()
  }

  #butterflies(): void {
    const half = this.#half | 0
    const zr = this.#zr
    const zi = this.#zi
    for (let i = 0; i < half; i += 4) {
      const ar = zr[i]! + zr[i + 1]!
      const ai = zi[i]! + zi[i + 1]!
      const br = zr[i]! - zr[i + 1]!
      const bi = zi[i]! - zi[i + 1]!
      const cr = zr[i + 2]! + zr[i + 3]!
      const ci = zi[i + 2]! + zi[i + 3]!
      const dr = zr[i + 2]! - zr[i + 3]!
      const di = zi[i + 2]! - zi[i + 3]!
      zr[i] = ar + cr
      zi[i] = ai + ci
      zr[i + 2] = ar - cr
      zi[i + 2] = ai - ci
      zr[i + 1] = br + di
      zi[i + 1] = bi - dr
      zr[i + 3] = br - di
      zi[i + 3] = bi + dr
    }
    // Two radix-2 passes at a time, and one alone where their number is odd.
    const cos = this.#cos
    const sin = this.#sin
    let span = 4
    for (; span * 4 <= half; span *= 4) {
      const step = (this.size / (4 * span)) | 0
      for (let start = 0; start < half; start += 4 * span) {
        for (let k = 0, w = 0; k < span; k++, w += step) {
          const w1r = cos[2 * w]!
          const w1i = sin[2 * w]!
          const w2r = cos[w]!
          const w2i = sin[w]!
          const a = start + k
          const b = a + span
          const c = b + span
          const d = c + span
          const br = zr[b]! * w1r - zi[b]! * w1i
          const bi = zr[b]! * w1i + zi[b]! * w1r
          const dr = zr[d]! * w1r - zi[d]! * w1i
          const di = zr[d]! * w1i + zi[d]! * w1r
          const er = zr[c]! + dr
          const ei = zi[c]! + di
          const fr = zr[c]! - dr
          const fi = zi[c]! - di
          const sr = er * w2r - ei * w2i
          const si = er * w2i + ei * w2r
          const tr = fr * w2r - fi * w2i
          const ti = fr * w2i + fi * w2r
          const pr = zr[a]! + br
          const pi = zi[a]! + bi
          const qr = zr[a]! - br
          const qi = zi[a]! - bi
          zr[a] = pr + sr
          zi[a] = pi + si
          zr[c] = pr - sr
          zi[c] = pi - si
          zr[b] = qr + ti
          zi[b] = qi - tr
          zr[d] = qr - ti
          zi[d] = qi + tr
        }
      }
    }
    for (; span < half; span *= 2) {
      const step = (this.size / (2 * span)) | 0
      for (let start = 0; start < half; start += 2 * span) {
        for (let k = 0, w = 0; k < span; k++, w += step) {
          const wr = cos[w]!
          const wi = sin[w]!
          const a = start + k
          const b = a + span
          const tr = zr[b]! * wr - zi[b]! * wi
          const ti = zr[b]! * wi + zi[b]! * wr
          zr[b] = zr[a]! - tr
          zi[b] = zi[a]! - ti
          zr[a] = zr[a]! + tr
          zi[a] = zi[a]! + ti
        }
      }
    }
  }

  #unpack(): void {
    const half = this.#half | 0
    const zr = this.#zr
    const zi = this.#zi
    const { re, im } = this
    const cos = this.#cos
    const sin = this.#sin
    re[0] = zr[0]! + zi[0]!
    im[0] = 0
    re[half] = zr[0]! - zi[0]!
    im[half] = 0
    for (let k = 1; k < half; k++) {
      const m = half - k
      const er = (zr[k]! + zr[m]!) / 2
      const ei = (zi[k]! - zi[m]!) / 2
      const or = (zi[k]! + zi[m]!) / 2
      const oi = (zr[m]! - zr[k]!) / 2
      const wr = cos[k]!
      const wi = sin[k]!
      re[k] = er + or * wr - oi * wi
      im[k] = ei + or * wi + oi * wr
    }
  }

  /** Writes |X|² of bins 0 … size / 2 into `out`. */
  power(input: ArrayLike<number>, offset: number, window: ArrayLike<number>, out: Float64Array): void {
    this.transform(input, offset, window)
    const { re, im } = this
    for (let k = 0; k <= this.#half; k++) out[k] = re[k]! * re[k]! + im[k]! * im[k]!
  }
}

/** Hann's window, periodic, as short-time spectra take it. */
export function hann(size: number): Float64Array {
  return Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size))
}

/**
 * Autocorrelation at lags 0 … lags - 1, each divided by the number of products in it (Wiener & Khinchin: the
 * transform of the power spectrum). `fft` holds the signal and the lags without wrapping: size ≥ length + lags.
 */
export function autocorrelate(signal: Float32Array, lags: number, fft: RealFft): Float32Array {
  const padded = new Float64Array(fft.size)
  padded.set(signal)
  fft.transform(padded)
  const half = fft.size / 2
  const { re, im } = fft
  for (let k = 0; k <= half; k++) {
    const power = re[k]! * re[k]! + im[k]! * im[k]!
    padded[k] = power
    if (k > 0 && k < half) padded[fft.size - k] = power
  }
  fft.transform(padded)
  const out = new Float32Array(lags)
  for (let lag = 0; lag < lags && lag < signal.length; lag++) {
    out[lag] = fft.re[lag]! / fft.size / (signal.length - lag)
  }
  return out
}
