import type { Mode } from './harmony.ts'
import type { Chance } from './random.ts'
import type { Drum } from './synth.ts'

export interface Note {
  timbre: string
  /** In beats. */
  at: number
  length: number
  midi: number
  level: number
}

/** Music before it sounds. */
export interface Piece {
  category: string
  style: string
  bpm: number
  /** Pitch class; null where nothing is pitched. */
  tonic: number | null
  mode: Mode | null
  meter: string
  notes: Note[]
  drums: { drum: Drum; at: number; level: number }[]
  /** Seconds by which notes stray, and how much the tempo drifts, as a part of it. */
  jitter: number
  drift: number
}

export interface Brief {
  chance: Chance
  tonic: number
  mode: Mode
  /** Beats to be written. */
  beatsFor(bpm: number): number
}

/** The note of a pitch class that lies nearest to `midi`. */
export function nearest(pitchClass: number, midi: number): number {
  const distance = (((pitchClass - midi) % 12) + 18) % 12
  return midi + distance - 6
}

/** Notes of a scale from `low` to `high`. */
export function scaleNotes(tonic: number, scale: readonly number[], low: number, high: number): number[] {
  const notes: number[] = []
  for (let midi = low; midi <= high; midi++) if (scale.includes((((midi - tonic) % 12) + 12) % 12)) notes.push(midi)
  return notes
}
