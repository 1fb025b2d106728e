import type { Chance } from './random.ts'

export const RATE = 22_050
const TABLE = 2048

/** How an instrument sounds: additive, from a bright to a dull waveform. */
export interface Timbre {
  /** Amplitude of harmonic n. */
  partial(n: number): number
  attack: number
  release: number
  /** Seconds to fall to 1/e; 0: it sustains. */
  decay: number
  /** Seconds until the dull waveform has taken over; 0: it stays bright. */
  dulling: number
  vibratoCents: number
  /** Copies, detuned by so many cents. */
  copies: number
  spread: number
  /** Breath, hammer or bow: noise at the attack, as a part of the amplitude. */
  noise: number
}

const base = { decay: 0, dulling: 0, vibratoCents: 0, copies: 1, spread: 0, noise: 0 }

const TIMBRES: Record<string, Timbre> = {
  piano: { ...base, partial: (n) => 1 / n ** 1.3, attack: 0.003, release: 0.12, decay: 1.1, dulling: 0.5, noise: 0.15 },
  epiano: { ...base, partial: (n) => [1, 0.35, 0.1, 0.15, 0.05][n - 1] ?? 0, attack: 0.004, release: 0.1, decay: 1.4 },
  organ: { ...base, partial: (n) => [1, 0.8, 0.5, 0.5, 0.1, 0.3, 0, 0.3][n - 1] ?? 0, attack: 0.02, release: 0.06 },
  strings: {
    ...base,
    partial: (n) => 1 / n,
    attack: 0.09,
    release: 0.18,
    vibratoCents: 12,
    copies: 3,
    spread: 9,
    noise: 0.02,
  },
  violin: {
    ...base,
    partial: (n) => (n % 5 === 0 ? 0.4 : 1) / n ** 0.9,
    attack: 0.05,
    release: 0.08,
    vibratoCents: 14,
    noise: 0.05,
  },
  cello: { ...base, partial: (n) => 1 / n ** 1.1, attack: 0.06, release: 0.1, vibratoCents: 10, noise: 0.04 },
  flute: {
    ...base,
    partial: (n) => [1, 0.4, 0.15, 0.05][n - 1] ?? 0,
    attack: 0.05,
    release: 0.07,
    vibratoCents: 10,
    noise: 0.12,
  },
  oboe: {
    ...base,
    partial: (n) => [0.6, 1, 0.8, 0.5, 0.3, 0.3, 0.2][n - 1] ?? 0.3 / n,
    attack: 0.03,
    release: 0.06,
    vibratoCents: 6,
  },
  clarinet: { ...base, partial: (n) => (n % 2 ? 1 : 0.1) / n, attack: 0.03, release: 0.05, noise: 0.03 },
  brass: {
    ...base,
    partial: (n) => 1 / n ** 0.8,
    attack: 0.04,
    release: 0.08,
    dulling: 0.6,
    vibratoCents: 4,
    noise: 0.03,
  },
  choir: {
    ...base,
    partial: (n) => [1, 0.5, 0.35, 0.1, 0.2, 0.15][n - 1] ?? 0.1 / n,
    attack: 0.1,
    release: 0.2,
    vibratoCents: 16,
    copies: 3,
    spread: 12,
    noise: 0.05,
  },
  accordion: { ...base, partial: (n) => 1 / n ** 0.7, attack: 0.03, release: 0.05, copies: 2, spread: 8 },
  guitar: {
    ...base,
    partial: (n) => Math.abs(Math.sin(n * 0.6)) / n ** 0.9,
    attack: 0.002,
    release: 0.06,
    decay: 0.7,
    dulling: 0.3,
    noise: 0.1,
  },
  distorted: {
    ...base,
    partial: (n) => 1 / n ** 0.6,
    attack: 0.006,
    release: 0.05,
    decay: 3,
    copies: 2,
    spread: 6,
    noise: 0.1,
  },
  bass: { ...base, partial: (n) => 1 / n ** 1.5, attack: 0.005, release: 0.05, decay: 0.9, dulling: 0.25, noise: 0.04 },
  synthbass: { ...base, partial: (n) => 1 / n, attack: 0.004, release: 0.03, decay: 1.5, dulling: 0.15 },
  pad: { ...base, partial: (n) => 1 / n ** 1.4, attack: 0.25, release: 0.5, copies: 3, spread: 10 },
  saw: { ...base, partial: (n) => 1 / n, attack: 0.005, release: 0.05, copies: 2, spread: 8, dulling: 0.3 },
  square: { ...base, partial: (n) => (n % 2 ? 1 / n : 0), attack: 0.005, release: 0.04 },
  marimba: {
    ...base,
    partial: (n) => [1, 0, 0, 0.35][n - 1] ?? 0,
    attack: 0.002,
    release: 0.1,
    decay: 0.3,
    noise: 0.1,
  },
}

const tables = new Map<string, Float32Array>()

/** One period with the harmonics that fit below 10 kHz; `tilt` dulls it. */
function tableOf(name: string, midi: number, tilt: number): Float32Array {
  const octave = Math.floor(midi / 6)
  const key = `${name}/${octave}/${tilt}`
  let table = tables.get(key)
  if (table) return table
  table = new Float32Array(TABLE + 1)
  const highest = Math.max(1, Math.min(40, Math.floor(10_000 / hertz(octave * 6 + 5))))
  for (let n = 1; n <= highest; n++) {
    const amplitude = TIMBRES[name]!.partial(n) / n ** tilt
    if (amplitude < 1e-4) continue
    for (let i = 0; i <= TABLE; i++) table[i] = table[i]! + amplitude * Math.sin((2 * Math.PI * n * i) / TABLE + n * n)
  }
  let energy = 0
  for (const value of table) energy += value * value
  const scale = 1 / Math.sqrt(energy / TABLE)
  for (let i = 0; i <= TABLE; i++) table[i] = table[i]! * scale
  tables.set(key, table)
  return table
}

const hertz = (midi: number) => 440 * 2 ** ((midi - 69) / 12)

/** Adds a note to `out`. Times in seconds; `cents` is the tuning of the whole. */
export function playNote(
  out: Float32Array,
  chance: Chance,
  note: { timbre: string; midi: number; start: number; seconds: number; level: number; cents: number },
): void {
  const timbre = TIMBRES[note.timbre]!
  const bright = tableOf(note.timbre, note.midi, 0)
  const dull = timbre.dulling > 0 ? tableOf(note.timbre, note.midi, 1) : bright
  const first = Math.max(0, Math.round(note.start * RATE))
  const held = Math.round(note.seconds * RATE)
  const count = Math.min(out.length - first, held + Math.round(timbre.release * RATE * 2))
  const attack = Math.max(1, Math.min(timbre.attack * (0.8 + 0.4 * chance.next()), note.seconds * 0.7) * RATE)
  const fall = timbre.decay > 0 ? Math.exp(-1 / (timbre.decay * RATE * 2 ** ((60 - note.midi) / 24))) : 1
  const fade = Math.exp(-1 / (timbre.release * 0.5 * RATE))
  const dim = timbre.dulling > 0 ? Math.exp(-1 / (timbre.dulling * RATE)) : 1
  for (let copy = 0; copy < timbre.copies; copy++) {
    const detune = timbre.copies > 1 ? timbre.spread * (copy / (timbre.copies - 1) - 0.5) + chance.gauss() : 0
    const step = (hertz(note.midi) * 2 ** ((note.cents + detune) / 1200) * TABLE) / RATE
    const level = note.level / Math.sqrt(timbre.copies)
    const rate = (2 * Math.PI * chance.between(4.8, 6.2)) / RATE
    const depth = (timbre.vibratoCents / 1200) * Math.LN2
    let phase = chance.next() * TABLE
    let swing = chance.next() * 6
    let decay = 1
    let brightness = 1
    for (let i = 0; i < count; i++) {
      if (i >= held) decay *= fade
      decay *= fall
      brightness *= dim
      const envelope = (i < attack ? i / attack : 1) * decay * level
      const at = phase | 0
      const part = phase - at
      const b = bright[at]! + part * (bright[at + 1]! - bright[at]!)
      const d = dull[at]! + part * (dull[at + 1]! - dull[at]!)
      let sample = d + brightness * (b - d)
      if (timbre.noise > 0 && i < attack * 2 + 400) sample += timbre.noise * (chance.next() - 0.5) * 4
      out[first + i] = out[first + i]! + envelope * sample
      phase += step * (depth > 0 ? 1 + depth * Math.sin(swing) : 1)
      swing += rate
      while (phase >= TABLE) phase -= TABLE
    }
  }
}

export type Drum = 'kick' | 'snare' | 'hat' | 'open' | 'tom' | 'ride' | 'rim' | 'shaker' | 'clap' | 'crash'

interface Kit {
  pitch: number
  snap: number
  length: number
}

/** Drums of a kit are alike; kits differ. */
export function randomKit(chance: Chance): Kit {
  return { pitch: chance.between(0.8, 1.3), snap: chance.between(0.6, 1.4), length: chance.between(0.6, 1.5) }
}

const NOISES: Partial<Record<Drum, [seconds: number, highPass: number, level: number]>> = {
  hat: [0.035, 0.85, 0.35],
  open: [0.18, 0.85, 0.35],
  ride: [0.25, 0.8, 0.22],
  crash: [0.9, 0.6, 0.4],
  shaker: [0.04, 0.7, 0.2],
  snare: [0.12, 0.3, 0.6],
  clap: [0.1, 0.5, 0.6],
  rim: [0.012, 0.4, 0.6],
}
const TONES: Partial<Record<Drum, [hz: number, sweep: number, seconds: number, level: number]>> = {
  kick: [52, 120, 0.13, 1.3],
  tom: [110, 60, 0.18, 0.9],
  snare: [185, 40, 0.06, 0.6],
  rim: [800, 0, 0.02, 0.5],
  ride: [2900, 0, 0.12, 0.06],
}

export function playDrum(out: Float32Array, chance: Chance, kit: Kit, drum: Drum, start: number, level: number): void {
  const first = Math.max(0, Math.round(start * RATE))
  const noise = NOISES[drum]
  if (noise) {
    const [seconds, highPass, gain] = noise
    const fall = Math.exp(-1 / (seconds * kit.length * RATE))
    let envelope = level * gain * (drum === 'snare' ? kit.snap : 1)
    let last = 0
    for (let i = first; i < out.length && envelope > 1e-4; i++, envelope *= fall) {
      const white = chance.next() * 2 - 1
      out[i] = out[i]! + envelope * (white - highPass * last)
      last = white
    }
  }
  const tone = TONES[drum]
  if (tone) {
    const [hz, sweep, seconds, gain] = tone
    const fall = Math.exp(-1 / (seconds * kit.length * RATE))
    let envelope = level * gain
    let bend = sweep
    let phase = 0
    for (let i = first; i < out.length && envelope > 1e-4; i++, envelope *= fall) {
      out[i] = out[i]! + envelope * Math.sin(phase)
      phase += (2 * Math.PI * (hz * kit.pitch + bend)) / RATE
      bend *= 0.9985
    }
  }
}

/** A room: sparse echoes that grow dense, after Schroeder (1962). */
export function addRoom(sound: Float32Array, amount: number): void {
  if (amount <= 0) return
  const wet = new Float32Array(sound.length)
  for (const [delay, gain] of [
    [1_117, 0.72],
    [1_361, 0.7],
    [1_487, 0.68],
    [1_699, 0.66],
  ] as const) {
    const line = new Float32Array(delay)
    let low = 0
    for (let i = 0, at = 0; i < sound.length; i++, at = at + 1 === delay ? 0 : at + 1) {
      const echo = line[at]!
      wet[i] = wet[i]! + echo
      low = 0.6 * echo + 0.4 * low
      line[at] = sound[i]! + gain * low
    }
  }
  for (let i = 0; i < sound.length; i++) sound[i] = sound[i]! + amount * 0.25 * wet[i]!
}
