import { makeWav } from '../audio-decode/sounds.ts'
import { chords, clickTrack } from '../audio-features/signals.ts'

export const rate = 44_100

/** C major with a click at 120 beats a minute, in stereo. */
export function makeTrack(seconds: number): Buffer {
  const click = clickTrack(rate, 120, seconds)
  const chord = chords(rate, [[60, 64, 67, 72]], seconds)
  const mixed = click.map((sample, index) => 0.5 * sample + 0.3 * (chord[index] ?? 0))
  return makeWav([mixed, mixed], rate)
}
