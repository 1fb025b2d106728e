import { encodeWave } from '../shared/wave.ts'

/** A short piece of the demonstration's: drums, bass and chords, computed. */
export interface Piece {
  /** Beats a minute. */
  tempo: number
  /** MIDI note of the tonic, 48 for the C below middle C. */
  tonic: number
  isMinor: boolean
  /** Degrees of the scale that the chords stand on, a bar each. */
  chords: number[]
  /** How much of each there is, 0 to 1. */
  drums: number
  bass: number
  pad: number
  lead: number
}

const seconds = 32
const sampleRate = 22_050
const major = [0, 2, 4, 5, 7, 9, 11]
const minor = [0, 2, 3, 5, 7, 8, 10]

const frequency = (note: number) => 440 * 2 ** ((note - 69) / 12)

/** Renders a piece as a WAV of 16 bits, mono: the same each time. */
export function render({ tempo, tonic, isMinor, chords, drums, bass, pad, lead }: Piece): Buffer {
  const frames = seconds * sampleRate
  const mix = new Float32Array(frames)
  const beat = (60 / tempo) * sampleRate
  const scale = isMinor ? minor : major
  const degree = (at: number) => tonic + scale[at % 7]! + 12 * Math.floor(at / 7)
  let seed = 1
  const noise = () => {
    seed = (seed * 1_664_525 + 1_013_904_223) >>> 0
    return seed / 2 ** 31 - 1
  }
  /** Adds a sound that begins at a frame and lasts so long. */
  const add = (from: number, length: number, sample: (at: number) => number) => {
    const first = Math.round(from)
    const end = Math.min(frames, first + Math.round(length))
    for (let at = first; at < end; at++) mix[at]! += sample((at - first) / sampleRate)
  }
  const bars = Math.ceil(frames / (beat * 4))
  for (let bar = 0; bar < bars; bar++) {
    const from = bar * beat * 4
    const chord = chords[bar % chords.length]!
    // The first and the last bars without drums: parts that can be told apart.
    const hasDrums = bar >= 2 && bar < bars - 2
    const notes = [chord, chord + 2, chord + 4].map((each) => frequency(degree(each) + 12))
    add(from, beat * 4, (time) => {
      const swell = Math.min(1, time * 4) * 0.09 * pad
      return (
        notes.reduce((sum, hertz) => sum + Math.sin(2 * Math.PI * hertz * time + 0.4 * Math.sin(5 * time)), 0) * swell
      )
    })
    for (let step = 0; step < 8; step++) {
      const at = from + (step * beat) / 2
      const root = frequency(degree(chord) - 12 + (step === 6 ? 7 : 0))
      add(at, beat * 0.45, (time) => {
        const tone = Math.sin(2 * Math.PI * root * time) + 0.35 * Math.sin(4 * Math.PI * root * time)
        return tone * Math.exp(-3 * time) * 0.28 * bass
      })
      const high = frequency(degree(chord + [0, 2, 4, 7, 4, 2, 5, 4][step]!) + 24)
      if (bar % 4 >= 2)
        add(at, beat * 0.4, (time) => Math.sin(2 * Math.PI * high * time) * Math.exp(-7 * time) * 0.16 * lead)
      if (hasDrums) add(at, 0.05 * sampleRate, (time) => noise() * Math.exp(-90 * time) * 0.1 * drums)
    }
    if (!hasDrums) continue
    for (let each = 0; each < 4; each++) {
      const at = from + each * beat
      add(at, 0.28 * sampleRate, (time) => {
        const kick = Math.sin(2 * Math.PI * (48 * time + 3.2 * (1 - Math.exp(-30 * time)))) * Math.exp(-11 * time) * 0.6
        return each % 2 === 0 ? kick * drums : (kick * 0.3 + noise() * Math.exp(-22 * time) * 0.32) * drums
      })
    }
  }
  // Loud parts bend instead of breaking.
  return encodeWave([mix.map((sample) => 0.92 * Math.tanh(sample))], sampleRate)
}
