import { describe, expect, it } from 'vitest'
import {
  createWaveformBuilder,
  decodeWaveform,
  encodeWaveform,
  toAudiowaveform,
  waveformFor,
} from '../../src/audio/waveform.ts'
import { createNoise, makeMusic } from './sounds.ts'

/** Pushes in pieces of odd lengths. */
function build(planes: Float32Array[], sampleRate = 44_100) {
  const builder = createWaveformBuilder({ sampleRate, channels: planes.length })
  const frames = planes[0]!.length
  for (let from = 0, size = 1; from < frames; from += size, size = (size * 7) % 20_011) {
    const to = Math.min(frames, from + size)
    builder.push({ channels: planes.map((plane) => plane.subarray(from, to)), frames: to - from })
  }
  return builder.finish()
}

const byte = (value: number) => Math.max(-128, Math.min(127, Math.round(value * 128)))

describe('waveforms', () => {
  it('[WAV-01] holds the lowest and highest sample of every point and channel at every level', () => {
    const planes = makeMusic(6.283)
    const stored = build(planes)
    expect(stored.frames).toBe(planes[0].length)
    expect(stored.levels.map((level) => level.samplesPerPoint)).toEqual([256, 1_024])
    for (const { samplesPerPoint, length, data } of stored.levels) {
      expect(length).toBe(Math.ceil(stored.frames / samplesPerPoint))
      for (const point of [0, 1, length >> 1, length - 1]) {
        for (const channel of [0, 1]) {
          const part = planes[channel]!.subarray(point * samplesPerPoint, (point + 1) * samplesPerPoint)
          const [low, high] = [byte(Math.min(...part)), byte(Math.max(...part))]
          expect([data[point * 4 + channel * 2], data[point * 4 + channel * 2 + 1]]).toEqual([low, high])
        }
      }
    }
  })

  it('[WAV-02] becomes coarser instead of larger when the sound is long', () => {
    const builder = createWaveformBuilder({ sampleRate: 8_000, channels: 1 })
    const noise = createNoise()
    const plane = Float32Array.from({ length: 1 << 20 }, () => noise() * 0.5)
    const pieces = 80
    for (let count = 0; count < pieces; count++) {
      plane[5] = count === 79 ? -0.99 : 0
      builder.push({ channels: [plane], frames: plane.length })
    }
    const stored = builder.finish()
    expect(stored.levels[0]).toMatchObject({ samplesPerPoint: 1_024, length: pieces * 1_024 })
    expect(stored.levels[0]!.data[79 * 1_024 * 2]).toBe(byte(-0.99))
    expect(encodeWaveform(stored).length).toBeLessThan(1_000_000)
  })

  it('[WAV-03] answers with at most the points that are asked for, and nearly as many', () => {
    const stored = build(makeMusic(20))
    for (const points of [1, 2, 100, 800, 861]) {
      const answer = waveformFor(stored, points)
      expect(answer.length).toBeLessThanOrEqual(points)
      expect(answer.length).toBeGreaterThan(points * 0.79)
      expect(answer.data.length).toBe(answer.length * 4)
      expect(answer.length).toBe(Math.ceil(stored.frames / answer.samplesPerPoint))
      const all = stored.levels[0]!.data
      expect(Math.max(...answer.data)).toBe(Math.max(...all))
      expect(Math.min(...answer.data)).toBe(Math.min(...all))
    }
    expect(waveformFor(stored, 1e9)).toMatchObject({ samplesPerPoint: 256, length: stored.levels[0]!.length })
    expect(waveformFor(build([new Float32Array(3)]), 100)).toMatchObject({ length: 1, data: [0, 0] })
  })

  it('[WAV-04] comes back from its stored form, which refuses what it is not', () => {
    const stored = build(makeMusic(3))
    const bytes = encodeWaveform(stored)
    // At an odd place of a larger buffer, as a database gives it.
    const shifted = new Uint8Array(bytes.length + 3)
    shifted.set(bytes, 3)
    expect(decodeWaveform(shifted.subarray(3))).toEqual(stored)
    expect(() => decodeWaveform(bytes.subarray(0, bytes.length - 1))).toThrow(RangeError)
    expect(() => decodeWaveform(bytes.subarray(0, 10))).toThrow(RangeError)
    expect(() => decodeWaveform(new Uint8Array(100))).toThrow(RangeError)
  })

  it('[WAV-05] is written in the format of audiowaveform', () => {
    const stored = build([Float32Array.from({ length: 300 }, (_, index) => (index === 299 ? -1 : 0.25))], 8_000)
    expect(toAudiowaveform(stored, stored.levels[0]!)).toEqual({
      version: 2,
      channels: 1,
      sample_rate: 8_000,
      samples_per_pixel: 256,
      bits: 8,
      length: 2,
      data: [32, 32, -128, 32],
    })
  })
})
