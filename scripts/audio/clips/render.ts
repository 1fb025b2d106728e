import { composeBand, minorPart, STYLES } from './band.ts'
import type { Mode } from './harmony.ts'
import type { Piece } from './piece.ts'
import { Chance } from './random.ts'
import { addRoom, playDrum, playNote, RATE, randomKit } from './synth.ts'
import { composeChorale, composeEnsemble, composeFolk } from './tonal.ts'

export const CLIP_SECONDS = 24

export interface Clip {
  piece: Piece
  cents: number
  samples: Float32Array
}

/** The clip of a number: another number, another piece. A quarter each are chorales and ensembles, folk, and bands. */
export function renderClip(seed: number): Clip {
  const chance = new Chance(seed)
  const category = chance.draw([
    ['chorale', 0.15],
    ['ensemble', 0.15],
    ['folk', 0.22],
    ['band', 0.38],
    ['loop', 0.1],
  ] as const)
  const styles = Object.keys(STYLES).filter((style) => style !== 'breakbeat')
  const style = category === 'loop' ? 'breakbeat' : chance.pick(styles)
  const mode: Mode = chance.maybe(category === 'band' ? minorPart(style) : 0.45) ? 'minor' : 'major'
  const brief = {
    chance,
    mode,
    tonic: chance.whole(0, 11),
    beatsFor: (bpm: number) => Math.ceil((CLIP_SECONDS * bpm) / 60) + 8,
  }
  const piece =
    category === 'chorale'
      ? composeChorale(brief)
      : category === 'ensemble'
        ? composeEnsemble(brief)
        : category === 'folk'
          ? composeFolk(brief)
          : composeBand(brief, style)
  const cents = chance.maybe(0.45) ? chance.between(-35, 35) : chance.gauss() * 2
  return { piece, cents, samples: perform(piece, chance, cents) }
}

function perform(piece: Piece, chance: Chance, cents: number): Float32Array {
  const out = new Float32Array(CLIP_SECONDS * RATE)
  const lead = chance.maybe(0.5) ? chance.between(0, 0.4) : 0
  const wave = chance.between(8, 30)
  const phase = chance.next() * 6
  // The tempo sways around its mean, so that the distance of beats keeps to it on the whole.
  const timeOf = (beat: number) => {
    const straight = (beat * 60) / piece.bpm
    return lead + straight + (piece.drift * wave * Math.sin((2 * Math.PI * straight) / wave + phase)) / (2 * Math.PI)
  }
  const stray = () => piece.jitter * chance.gauss()
  for (const note of piece.notes) {
    const start = timeOf(note.at) + stray()
    if (start >= CLIP_SECONDS) continue
    const seconds = Math.max(0.03, timeOf(note.at + note.length) - timeOf(note.at))
    const level = note.level * chance.between(0.8, 1.1)
    playNote(out, chance, { timbre: note.timbre, midi: note.midi, start, seconds, level, cents })
  }
  const kit = randomKit(chance)
  for (const { drum, at, level } of piece.drums) {
    const start = timeOf(at) + stray()
    if (start < CLIP_SECONDS) playDrum(out, chance, kit, drum, start, level * 0.8)
  }
  addRoom(out, chance.maybe(0.7) ? chance.between(0.1, 0.7) : 0)
  finish(out, chance)
  return out
}

function finish(out: Float32Array, chance: Chance): void {
  let peak = 1e-6
  for (const value of out) peak = Math.max(peak, Math.abs(value))
  const drive = chance.maybe(0.35) ? chance.between(1.5, 4) : 0
  const noise = chance.maybe(0.2) ? 10 ** (-chance.between(25, 40) / 20) * 0.2 : 0
  const gain = chance.between(0.3, 0.95)
  for (let i = 0; i < out.length; i++) {
    let value = out[i]! / peak
    if (drive > 0) value = Math.tanh(drive * value) / Math.tanh(drive)
    if (noise > 0) value += noise * chance.gauss()
    out[i] = Math.max(-1, Math.min(1, value * gain))
  }
}
