import { FeatureExtractor, type Features } from '../../src/audio/features/extractor.ts'
import { LoudnessMeter, type LoudnessReading } from '../../src/audio/features/loudness.ts'

/** Stereo sines one after another: seconds, and dBFS of the peak. */
export function tones(rate: number, parts: [seconds: number, dbfs: number][], hz = 1000): Float32Array[] {
  const length = parts.reduce((sum, [seconds]) => sum + Math.round(seconds * rate), 0)
  const one = new Float32Array(length)
  let at = 0
  for (const [seconds, dbfs] of parts) {
    const amplitude = 10 ** (dbfs / 20)
    const end = at + Math.round(seconds * rate)
    for (; at < end; at++) one[at] = amplitude * Math.sin((2 * Math.PI * hz * at) / rate)
  }
  return [one, one]
}

export function measureLoudness(rate: number, channels: Float32Array[]): LoudnessReading {
  const meter = new LoudnessMeter(rate, channels.length)
  meter.push(channels, channels[0]!.length)
  return meter.finish()
}

/** All features, fed in chunks of the given lengths, in turn. */
export function extract(rate: number, channels: Float32Array[], chunks: number[] = [4096]): Features {
  const extractor = new FeatureExtractor(rate, channels.length)
  const length = channels[0]!.length
  for (let at = 0, i = 0; at < length; i++) {
    const count = Math.min(chunks[i % chunks.length]!, length - at)
    extractor.push(
      channels.map((samples) => samples.subarray(at, at + count)),
      count,
    )
    at += count
  }
  return extractor.finish()
}

/** Short decaying clicks at a tempo. */
export function clickTrack(rate: number, bpm: number, seconds: number): Float32Array {
  const out = new Float32Array(seconds * rate)
  for (let beat = 0; (beat * 60) / bpm < seconds; beat++) {
    const start = Math.round((beat * 60 * rate) / bpm)
    for (let i = 0; i < 0.03 * rate && start + i < out.length; i++) {
      out[start + i] = 0.7 * Math.exp(-i / (0.004 * rate)) * Math.sin((2 * Math.PI * 1500 * i) / rate)
    }
  }
  return out
}

const PERIOD = Float32Array.from({ length: 4096 }, (_, i) => {
  let sample = 0
  for (let h = 1; h <= 6; h++) sample += Math.sin((2 * Math.PI * h * i) / 4096) / h ** 1.3
  return sample
})

/** Notes with six harmonics, each chord for so many seconds; MIDI numbers, `cents` off. */
export function chords(rate: number, notes: number[][], seconds: number, cents = 0): Float32Array {
  const each = Math.round(seconds * rate)
  const out = new Float32Array(each * notes.length)
  const fall = Math.exp(-1 / (1.2 * rate))
  for (const [c, chord] of notes.entries()) {
    for (const midi of chord) {
      const step = (4096 * 440 * 2 ** ((midi - 69) / 12 + cents / 1200)) / rate
      let level = 0.08
      for (let i = 0; i < each; i++) {
        out[c * each + i]! += Math.min(1, i / (0.01 * rate)) * level * PERIOD[(i * step) & 4095]!
        level *= fall
      }
    }
  }
  return out
}
