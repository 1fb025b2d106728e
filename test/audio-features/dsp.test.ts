import fc from 'fast-check'
import { expect, test } from 'vitest'
import { autocorrelate, RealFft } from '../../src/audio/features/fft.ts'
import { Resampler } from '../../src/audio/features/resample.ts'

const noise = (length: number, seed: number) => {
  let state = seed
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 31 - 1
  })
}

test('[EAR-20] the FFT is the Fourier transform, at every size', () => {
  for (let size = 16; size <= 1024; size *= 2) {
    const x = noise(size, size)
    const fft = new RealFft(size)
    fft.transform(x)
    for (let k = 0; k <= size / 2; k += Math.max(1, size / 64)) {
      let re = 0
      let im = 0
      for (let n = 0; n < size; n++) {
        re += x[n]! * Math.cos((2 * Math.PI * k * n) / size)
        im -= x[n]! * Math.sin((2 * Math.PI * k * n) / size)
      }
      expect(fft.re[k]).toBeCloseTo(re, 8)
      expect(fft.im[k]).toBeCloseTo(im, 8)
    }
  }
  expect(() => new RealFft(100)).toThrow(RangeError)
})

test('[EAR-21] the autocorrelation is the mean of products', () => {
  const x = noise(300, 7)
  const found = autocorrelate(x, 100, new RealFft(512))
  for (let lag = 0; lag < 100; lag += 9) {
    let sum = 0
    for (let i = 0; i + lag < x.length; i++) sum += x[i]! * x[i + lag]!
    expect(found[lag]).toBeCloseTo(sum / (x.length - lag), 5)
  }
})

test('[EAR-22] a resampled tone keeps its pitch, level and place; what lies above the new Nyquist goes', () => {
  for (const rate of [8_000, 11_025, 22_050, 32_000, 37_800, 44_100, 48_000, 96_000, 192_000]) {
    const tone = (hz: number) => Float32Array.from({ length: rate }, (_, i) => Math.sin((2 * Math.PI * hz * i) / rate))
    const resampler = new Resampler(rate, 22_050)
    const out = [...resampler.push(tone(1_000)), ...resampler.finish()]
    expect(Math.abs(out.length - 22_050)).toBeLessThanOrEqual(1)
    let error = 0
    for (let i = 500; i < 21_500; i++) {
      error = Math.max(error, Math.abs(out[i]! - Math.sin((2 * Math.PI * 1_000 * i) / 22_050)))
    }
    expect(error, `${rate} Hz`).toBeLessThan(2e-3)
    if (rate <= 32_000) continue
    const high = new Resampler(rate, 22_050).push(tone(12_800)).slice(500, 15_000)
    expect(Math.max(...high.map(Math.abs)), `${rate} Hz`).toBeLessThan(1e-3)
  }
})

test('[EAR-23] a resampler gives the same whatever chunks it gets', () => {
  const x = noise(20_000, 3)
  fc.assert(
    fc.property(
      fc.constantFrom(44_100, 48_000, 8_000, 22_050),
      fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 8 }),
      (rate, sizes) => {
        const whole = new Resampler(rate, 22_050)
        const expected = [...whole.push(x), ...whole.finish()]
        const parts = new Resampler(rate, 22_050)
        const found: number[] = []
        for (let at = 0, i = 0; at < x.length; i++) {
          const size = sizes[i % sizes.length]!
          found.push(...parts.push(x.subarray(at, at + size)))
          at += size
        }
        found.push(...parts.finish())
        expect(found).toEqual(expected)
      },
    ),
    { numRuns: 12 },
  )
})
