/**
 * Discrete Fourier transform of real signals: Cooley & Tukey (1965), decimation in time with radix 4 (the first pass has radix
 * 8 where that comes out even), on half the length by packing even and odd samples into one complex signal.
 */
export class RealFft {
  readonly size: number
  /** Real and imaginary parts of bins 0 … size / 2 of the last transform. */
  readonly re: Float64Array
  readonly im: Float64Array
  readonly #half: number
  /** Where each group of the first pass begins in the packed signal, whose samples it takes at even distances. */
  readonly #starts: Uint32Array
  /** For each pass and place in it: the real and imaginary parts of w, w² and w³. */
  readonly #turns: Float64Array[]
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
    const quarter = half / 2
    this.#cos = Float64Array.from({ length: quarter + 1 }, (_, k) => Math.cos((2 * Math.PI * k) / size))
    this.#sin = Float64Array.from({ length: quarter + 1 }, (_, k) => -Math.sin((2 * Math.PI * k) / size))
    const first = Math.log2(half) % 2 === 0 ? 4 : 8
    let starts = [0]
    for (let stride = 1; stride * first < half; stride *= 4) {
      starts = starts.flatMap((start) => [0, 1, 2, 3].map((digit) => start + digit * stride))
    }
    this.#starts = Uint32Array.from(starts)
    this.#turns = []
    for (let span = first; span < half; span *= 4) {
      const turns = new Float64Array(6 * span)
      for (let k = 0; k < span; k++) {
        for (let power = 1; power <= 3; power++) {
          const angle = (-2 * Math.PI * power * k) / (4 * span)
          turns[6 * k + 2 * power - 2] = Math.cos(angle)
          turns[6 * k + 2 * power - 1] = Math.sin(angle)
        }
      }
      this.#turns.push(turns)
    }
  }

  /** Transforms `size` samples of `input` from `offset`, each times `window` where given, into `re` and `im`. */
  transform(input: Float32Array | Float64Array, offset = 0, window?: Float64Array): void {
    this.#run(input, offset, window)
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
    for (let k = 1, m = half - 1; k <= m; k++, m--) {
      const er = (zr[k]! + zr[m]!) / 2
      const ei = (zi[k]! - zi[m]!) / 2
      const or = (zi[k]! + zi[m]!) / 2
      const oi = (zr[m]! - zr[k]!) / 2
      const tr = or * cos[k]! - oi * sin[k]!
      const ti = or * sin[k]! + oi * cos[k]!
      re[k] = er + tr
      im[k] = ei + ti
      re[m] = er - tr
      im[m] = ti - ei
    }
  }

  /** Writes |X|² of bins 0 … size / 2 into `out`. */
  power(input: Float32Array, offset: number, window: Float64Array, out: Float64Array): void {
    this.#run(input, offset, window)
    const half = this.#half | 0
    const zr = this.#zr
    const zi = this.#zi
    const cos = this.#cos
    const sin = this.#sin
    out[0] = (zr[0]! + zi[0]!) ** 2
    out[half] = (zr[0]! - zi[0]!) ** 2
    // Bins k and half - k come of the same four numbers.
    for (let k = 1, m = half - 1; k <= m; k++, m--) {
      const a = zr[k]!
      const b = zi[k]!
      const c = zr[m]!
      const d = zi[m]!
      const wr = cos[k]!
      const wi = sin[k]!
      const er = a + c
      const ei = b - d
      const or = b + d
      const oi = c - a
      const tr = or * wr - oi * wi
      const ti = or * wi + oi * wr
      const pr = er + tr
      const pi = ei + ti
      const qr = er - tr
      const qi = ei - ti
      out[k] = 0.25 * (pr * pr + pi * pi)
      out[m] = 0.25 * (qr * qr + qi * qi)
    }
  }

  /** The complex transform of the packed signal, into #zr and #zi. */
  #run(input: Float32Array | Float64Array, offset: number, window: Float64Array | undefined): void {
    if (offset < 0 || offset + this.size > input.length) throw new RangeError('the frame lies outside of the samples')
    const span = Math.log2(this.#half) % 2 === 0 ? 4 : 8
    if (span === 8) this.#firstBy8(input, offset, window ?? ones(this.size))
    else this.#firstBy4(input, offset, window ?? ones(this.size))
    for (let pass = 0, width = span; pass < this.#turns.length; pass++, width *= 4) {
      this.#passBy4(width, this.#turns[pass]!)
    }
  }

  #firstBy4(x: Float32Array | Float64Array, offset: number, window: Float64Array): void {
    const zr = this.#zr
    const zi = this.#zi
    const starts = this.#starts
    const step = (this.size / 4) | 0
    for (let g = 0, at = 0; g < starts.length; g++, at += 4) {
      const i0 = (2 * starts[g]!) | 0
      const i1 = (i0 + step) | 0
      const i2 = (i1 + step) | 0
      const i3 = (i2 + step) | 0
      const ar = x[offset + i0]! * window[i0]!
      const ai = x[offset + i0 + 1]! * window[i0 + 1]!
      const br = x[offset + i1]! * window[i1]!
      const bi = x[offset + i1 + 1]! * window[i1 + 1]!
      const cr = x[offset + i2]! * window[i2]!
      const ci = x[offset + i2 + 1]! * window[i2 + 1]!
      const dr = x[offset + i3]! * window[i3]!
      const di = x[offset + i3 + 1]! * window[i3 + 1]!
      const sr = ar + cr
      const si = ai + ci
      const tr = ar - cr
      const ti = ai - ci
      const ur = br + dr
      const ui = bi + di
      const vr = bi - di
      const vi = dr - br
      zr[at] = sr + ur
      zi[at] = si + ui
      zr[at + 1] = tr + vr
      zi[at + 1] = ti + vi
      zr[at + 2] = sr - ur
      zi[at + 2] = si - ui
      zr[at + 3] = tr - vr
      zi[at + 3] = ti - vi
    }
  }

  #firstBy8(x: Float32Array | Float64Array, offset: number, window: Float64Array): void {
    const zr = this.#zr
    const zi = this.#zi
    const starts = this.#starts
    const step = (this.size / 8) | 0
    const root = Math.SQRT1_2
    for (let g = 0, at = 0; g < starts.length; g++, at += 8) {
      const i0 = (2 * starts[g]!) | 0
      const i1 = (i0 + step) | 0
      const i2 = (i1 + step) | 0
      const i3 = (i2 + step) | 0
      const i4 = (i3 + step) | 0
      const i5 = (i4 + step) | 0
      const i6 = (i5 + step) | 0
      const i7 = (i6 + step) | 0
      // The four even ones.
      const ar = x[offset + i0]! * window[i0]!
      const ai = x[offset + i0 + 1]! * window[i0 + 1]!
      const br = x[offset + i2]! * window[i2]!
      const bi = x[offset + i2 + 1]! * window[i2 + 1]!
      const cr = x[offset + i4]! * window[i4]!
      const ci = x[offset + i4 + 1]! * window[i4 + 1]!
      const dr = x[offset + i6]! * window[i6]!
      const di = x[offset + i6 + 1]! * window[i6 + 1]!
      const e0r = ar + cr + (br + dr)
      const e0i = ai + ci + (bi + di)
      const e2r = ar + cr - (br + dr)
      const e2i = ai + ci - (bi + di)
      const e1r = ar - cr + (bi - di)
      const e1i = ai - ci - (br - dr)
      const e3r = ar - cr - (bi - di)
      const e3i = ai - ci + (br - dr)
      // The four odd ones, then each turned by its eighths of a circle.
      const fr = x[offset + i1]! * window[i1]!
      const fi = x[offset + i1 + 1]! * window[i1 + 1]!
      const gr = x[offset + i3]! * window[i3]!
      const gi = x[offset + i3 + 1]! * window[i3 + 1]!
      const hr = x[offset + i5]! * window[i5]!
      const hi = x[offset + i5 + 1]! * window[i5 + 1]!
      const jr = x[offset + i7]! * window[i7]!
      const ji = x[offset + i7 + 1]! * window[i7 + 1]!
      const o0r = fr + hr + (gr + jr)
      const o0i = fi + hi + (gi + ji)
      const o2r = fi + hi - (gi + ji)
      const o2i = gr + jr - (fr + hr)
      const p1r = fr - hr + (gi - ji)
      const p1i = fi - hi - (gr - jr)
      const p3r = fr - hr - (gi - ji)
      const p3i = fi - hi + (gr - jr)
      const o1r = root * (p1r + p1i)
      const o1i = root * (p1i - p1r)
      const o3r = root * (p3i - p3r)
      const o3i = -root * (p3r + p3i)
      zr[at] = e0r + o0r
      zi[at] = e0i + o0i
      zr[at + 1] = e1r + o1r
      zi[at + 1] = e1i + o1i
      zr[at + 2] = e2r + o2r
      zi[at + 2] = e2i + o2i
      zr[at + 3] = e3r + o3r
      zi[at + 3] = e3i + o3i
      zr[at + 4] = e0r - o0r
      zi[at + 4] = e0i - o0i
      zr[at + 5] = e1r - o1r
      zi[at + 5] = e1i - o1i
      zr[at + 6] = e2r - o2r
      zi[at + 6] = e2i - o2i
      zr[at + 7] = e3r - o3r
      zi[at + 7] = e3i - o3i
    }
  }

  #passBy4(span: number, turns: Float64Array): void {
    const half = this.#half | 0
    const zr = this.#zr
    const zi = this.#zi
    const width = (4 * span) | 0
    for (let k = 0; k < span; k++) {
      const w1r = turns[6 * k]!
      const w1i = turns[6 * k + 1]!
      const w2r = turns[6 * k + 2]!
      const w2i = turns[6 * k + 3]!
      const w3r = turns[6 * k + 4]!
      const w3i = turns[6 * k + 5]!
      for (let a = k; a < half; a += width) {
        const b = (a + span) | 0
        const c = (b + span) | 0
        const d = (c + span) | 0
        const br = zr[b]! * w1r - zi[b]! * w1i
        const bi = zr[b]! * w1i + zi[b]! * w1r
        const cr = zr[c]! * w2r - zi[c]! * w2i
        const ci = zr[c]! * w2i + zi[c]! * w2r
        const dr = zr[d]! * w3r - zi[d]! * w3i
        const di = zr[d]! * w3i + zi[d]! * w3r
        const ar = zr[a]!
        const ai = zi[a]!
        const sr = ar + cr
        const si = ai + ci
        const tr = ar - cr
        const ti = ai - ci
        const ur = br + dr
        const ui = bi + di
        const vr = bi - di
        const vi = dr - br
        zr[a] = sr + ur
        zi[a] = si + ui
        zr[b] = tr + vr
        zi[b] = ti + vi
        zr[c] = sr - ur
        zi[c] = si - ui
        zr[d] = tr - vr
        zi[d] = ti - vi
      }
    }
  }
}

const flat = new Map<number, Float64Array>()
/** The window that changes nothing; one a size. */
function ones(size: number): Float64Array {
  let window = flat.get(size)
  if (!window) {
    window = new Float64Array(size).fill(1)
    flat.set(size, window)
  }
  return window
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
