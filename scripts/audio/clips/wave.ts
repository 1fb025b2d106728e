import { encodeWave } from '../../shared/wave.ts'

/** A song for load, not for the ear: four chords and a beat at 44.1 kHz in stereo, as a WAVE file. */
export function renderWave(seconds: number): Buffer {
  const rate = 44_100
  const [left, right] = [new Float32Array(seconds * rate), new Float32Array(seconds * rate)]
  const roots = [220, 261.6, 329.6, 392]
  for (let i = 0; i < left.length; i++) {
    const time = i / rate
    const root = 2 * Math.PI * roots[Math.floor(time / 2) % 4]! * time
    const beat = (time * 2) % 1
    const kick = 0.45 * Math.exp(-beat * 12) * Math.sin(2 * Math.PI * 60 * beat)
    const hat = 0.2 * Math.exp(-((time * 4) % 1) * 20) * (((Math.imul(i, 1_664_525) >>> 8) & 0xffff) / 32_768 - 1)
    const chord = 0.13 * (Math.sin(root) + Math.sin(1.25 * root) + Math.sin(1.5 * root))
    left[i] = kick + hat + chord
    right[i] = kick - hat + 0.8 * chord
  }
  return encodeWave([left, right], rate)
}
