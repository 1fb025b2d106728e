import { encodeWave } from '../../scripts/shared/wave.ts'
import { createNoise } from '../audio-decode/sounds.ts'

const rate = 8_000

/** A sine of 440 Hz that swells, as a WAV of 16 bits. */
export function tone(seconds: number): Buffer {
  const frames = Math.round(seconds * rate)
  const swell = (_: unknown, at: number) => 0.6 * Math.sin((2 * Math.PI * 440 * at) / rate) * (at / frames)
  return encodeWave([Float32Array.from({ length: frames }, swell)], rate)
}

/** Noise, the same each time, as a WAV of 16 bits. */
export const noise = (seconds: number) =>
  encodeWave([Float32Array.from({ length: Math.round(seconds * rate) }, createNoise()).map((each) => each * 0.3)], rate)
