import { chord, type Harmony, loop, SCALES } from './harmony.ts'
import { type Brief, type Note, nearest, type Piece, scaleNotes } from './piece.ts'
import type { Drum } from './synth.ts'

type Bass = 'roots' | 'quavers' | 'offbeat' | 'walking' | 'octaves' | 'syncopated' | 'long' | 'onefive' | 'none'
type Comp =
  | 'held'
  | 'quavers'
  | 'skank'
  | 'stabs'
  | 'arpeggio'
  | 'charleston'
  | 'waltz'
  | 'pulse'
  | 'bossa'
  | 'sixteenths'
  | 'none'

interface Style {
  bpm: [number, number]
  /** Steps of a semiquaver (or, with `swing`, of a swung one) in a bar: the strokes of each drum; . is none, o is soft. */
  drums: Partial<Record<Drum, string>>[]
  harmony: Harmony
  bass: Bass[]
  comp: Comp[]
  timbres: { comp: string[]; bass: string[]; lead: string[] }
  /** Where the second of two quavers falls; 0.5 is straight. */
  swing?: [number, number]
  beats?: number
  /** Probability of a tune. */
  lead: number
  barsPerChord?: number[]
  minor?: number
}

const keys = ['piano', 'epiano', 'organ', 'guitar']
const synths = ['saw', 'pad', 'square']

export const STYLES: Record<string, Style> = {
  rock: {
    bpm: [95, 155],
    drums: [
      { kick: 'x.......x.x.....', snare: '....x.......x...', hat: 'x.x.x.x.x.x.x.x.' },
      { kick: 'x.....x.x.......', snare: '....x.......x...', ride: 'x.x.x.x.x.x.x.x.' },
      { kick: 'x..x..x.x..x....', snare: '....x.......x..o', hat: 'x.x.x.x.x.x.x.x.' },
    ],
    harmony: 'pop',
    bass: ['quavers', 'roots'],
    comp: ['quavers', 'held'],
    timbres: { comp: ['distorted', 'guitar'], bass: ['bass'], lead: ['distorted', 'organ', 'violin'] },
    lead: 0.6,
  },
  pop: {
    bpm: [80, 132],
    drums: [
      { kick: 'x.......x..x....', snare: '....x.......x...', hat: 'x.x.x.x.x.x.x.x.' },
      { kick: 'x.....x...x.....', clap: '....x.......x...', shaker: 'xoxoxoxoxoxoxoxo' },
    ],
    harmony: 'pop',
    bass: ['roots', 'quavers', 'syncopated'],
    comp: ['held', 'quavers', 'arpeggio', 'pulse'],
    timbres: { comp: keys, bass: ['bass', 'synthbass'], lead: ['square', 'flute', 'piano', 'saw'] },
    lead: 0.7,
  },
  house: {
    bpm: [116, 130],
    drums: [
      { kick: 'x...x...x...x...', clap: '....x.......x...', open: '..x...x...x...x.' },
      { kick: 'x...x...x...x...', snare: '....x.......x...', hat: 'xoxoxoxoxoxoxoxo', open: '..x...x...x...x.' },
    ],
    harmony: 'pop',
    bass: ['offbeat', 'syncopated', 'octaves'],
    comp: ['stabs', 'pulse', 'held'],
    timbres: { comp: ['organ', 'piano', 'saw'], bass: ['synthbass'], lead: synths },
    lead: 0.4,
  },
  techno: {
    bpm: [124, 148],
    drums: [
      { kick: 'x...x...x...x...', hat: '..x...x...x...x.', rim: '...x..x....x..x.' },
      { kick: 'x...x...x...x...', hat: 'xxxxxxxxxxxxxxxx', clap: '....x.......x...' },
    ],
    harmony: 'modal',
    bass: ['offbeat', 'syncopated', 'quavers'],
    comp: ['stabs', 'sixteenths', 'pulse'],
    timbres: { comp: synths, bass: ['synthbass'], lead: synths },
    lead: 0.3,
    minor: 0.8,
  },
  trance: {
    bpm: [128, 142],
    drums: [{ kick: 'x...x...x...x...', open: '..x...x...x...x.', clap: '....x.......x...' }],
    harmony: 'pop',
    bass: ['offbeat'],
    comp: ['sixteenths', 'held'],
    timbres: { comp: synths, bass: ['synthbass'], lead: synths },
    lead: 0.6,
    minor: 0.7,
  },
  disco: {
    bpm: [104, 126],
    drums: [{ kick: 'x...x...x...x...', snare: '....x.......x...', hat: 'x.x.x.x.x.x.x.x.', open: '..x...x...x...x.' }],
    harmony: 'pop',
    bass: ['octaves', 'syncopated'],
    comp: ['sixteenths', 'held', 'stabs'],
    timbres: { comp: ['guitar', 'strings', 'epiano'], bass: ['bass'], lead: ['strings', 'brass', 'violin'] },
    lead: 0.6,
  },
  hiphop: {
    bpm: [76, 106],
    drums: [
      { kick: 'x......x..x.....', snare: '....x.......x...', hat: 'x.x.x.x.x.x.x.x.' },
      { kick: 'x..x......x..x..', snare: '....x.......x...', hat: 'x.xxx.x.x.xxx.x.' },
    ],
    harmony: 'modal',
    bass: ['syncopated', 'long'],
    comp: ['held', 'stabs', 'arpeggio'],
    timbres: { comp: ['epiano', 'piano', 'strings'], bass: ['bass', 'synthbass'], lead: ['flute', 'square'] },
    lead: 0.3,
    swing: [0.5, 0.6],
    minor: 0.7,
  },
  trap: {
    bpm: [66, 80],
    drums: [{ kick: 'x.....x...x.....', snare: '........x.......', hat: 'x.x.x.x.x.x.xxxx' }],
    harmony: 'modal',
    bass: ['long'],
    comp: ['held', 'arpeggio'],
    timbres: { comp: ['pad', 'piano'], bass: ['synthbass'], lead: ['flute', 'square'] },
    lead: 0.4,
    minor: 0.85,
  },
  dnb: {
    bpm: [162, 180],
    drums: [
      { kick: 'x.........x.....', snare: '....x.......x...', hat: 'x.x.x.x.x.x.x.x.' },
      { kick: 'x..x......x..x..', snare: '....x..o.o..x...', ride: 'x.x.x.x.x.x.x.x.' },
    ],
    harmony: 'modal',
    bass: ['long', 'syncopated'],
    comp: ['held', 'stabs'],
    timbres: { comp: ['pad', 'epiano', 'saw'], bass: ['synthbass'], lead: synths },
    lead: 0.3,
    minor: 0.7,
  },
  reggae: {
    bpm: [66, 95],
    drums: [
      { kick: '........x.......', rim: '........x.......', hat: 'x.x.x.x.x.x.x.x.' },
      { kick: 'x.......x.......', rim: '....x.......x...', hat: 'x.xox.xox.xox.xo' },
    ],
    harmony: 'pop',
    bass: ['syncopated', 'roots'],
    comp: ['skank'],
    timbres: { comp: ['guitar', 'organ', 'piano'], bass: ['bass'], lead: ['organ', 'brass'] },
    lead: 0.4,
  },
  bossa: {
    bpm: [105, 150],
    drums: [
      { kick: 'x..xx..xx..xx..x', rim: 'x..x..x...x..x..', shaker: 'xoxoxoxoxoxoxoxo' },
      { kick: 'x...x...x...x...', rim: 'x..x..x...x..x..', hat: 'x.x.x.x.x.x.x.x.' },
    ],
    harmony: 'jazz',
    bass: ['onefive'],
    comp: ['bossa'],
    timbres: { comp: ['guitar', 'piano'], bass: ['bass'], lead: ['flute', 'clarinet', 'piano'] },
    lead: 0.7,
  },
  funk: {
    bpm: [88, 120],
    drums: [
      { kick: 'x.x.......x..x..', snare: '....x..o.o..x..o', hat: 'xxxxxxxxxxxxxxxx' },
      { kick: 'x..x..x...x.....', snare: '....x..o....x..o', hat: 'x.x.x.x.x.x.x.x.' },
    ],
    harmony: 'modal',
    bass: ['syncopated'],
    comp: ['sixteenths', 'stabs'],
    timbres: { comp: ['guitar', 'epiano', 'organ'], bass: ['bass'], lead: ['brass', 'organ'] },
    lead: 0.4,
  },
  punk: {
    bpm: [150, 195],
    drums: [
      { kick: 'x.......x.......', snare: '....x.......x...', hat: 'x.x.x.x.x.x.x.x.' },
      { kick: 'x...x...x...x...', snare: '..x...x...x...x.', ride: 'x.x.x.x.x.x.x.x.' },
    ],
    harmony: 'pop',
    bass: ['quavers'],
    comp: ['quavers'],
    timbres: { comp: ['distorted'], bass: ['bass'], lead: ['distorted'] },
    lead: 0.3,
    minor: 0.35,
  },
  ballad: {
    bpm: [56, 84],
    drums: [{}, {}, { kick: 'x.......x.......', snare: '....x.......x...', hat: 'x.x.x.x.x.x.x.x.' }],
    harmony: 'pop',
    bass: ['roots', 'long'],
    comp: ['arpeggio', 'quavers', 'held'],
    timbres: { comp: ['piano', 'guitar', 'epiano'], bass: ['bass', 'cello'], lead: ['violin', 'flute', 'strings'] },
    lead: 0.8,
  },
  swing: {
    bpm: [110, 200],
    drums: [
      { ride: 'x...x.x.x...x.x.', hat: '....x.......x...', kick: 'o...o...o...o...' },
      { ride: 'x...x.x.x...x.x.', snare: '......o.......o.', hat: '....x.......x...' },
    ],
    harmony: 'jazz',
    bass: ['walking'],
    comp: ['charleston', 'stabs'],
    timbres: { comp: ['piano', 'guitar'], bass: ['bass'], lead: ['clarinet', 'brass', 'piano'] },
    lead: 0.8,
    swing: [0.6, 0.68],
  },
  shuffle: {
    bpm: [84, 140],
    drums: [{ kick: 'x.......x.......', snare: '....x.......x...', hat: 'x.x.x.x.x.x.x.x.' }],
    harmony: 'blues',
    bass: ['walking', 'quavers'],
    comp: ['quavers', 'charleston'],
    timbres: { comp: ['piano', 'guitar', 'organ'], bass: ['bass'], lead: ['guitar', 'brass', 'distorted'] },
    lead: 0.6,
    swing: [0.64, 0.68],
  },
  waltz: {
    bpm: [80, 170],
    drums: [{}, {}, { kick: 'x...........', hat: '....x...x...' }],
    harmony: 'pop',
    bass: ['roots'],
    comp: ['waltz'],
    timbres: {
      comp: ['piano', 'strings', 'accordion', 'guitar'],
      bass: ['bass', 'cello'],
      lead: ['violin', 'flute', 'accordion'],
    },
    lead: 0.9,
    beats: 3,
  },
  sixEight: {
    bpm: [45, 75],
    drums: [{ kick: 'x.......x...', snare: '......x.....', hat: 'x.x.x.x.x.x.' }],
    harmony: 'pop',
    bass: ['roots'],
    comp: ['arpeggio'],
    timbres: { comp: ['piano', 'guitar'], bass: ['bass'], lead: ['violin', 'flute'] },
    lead: 0.7,
    beats: 3,
  },
  ambient: {
    bpm: [60, 112],
    drums: [{}, {}, { kick: 'o.......o.......', shaker: '....o.......o...' }],
    harmony: 'modal',
    bass: ['long', 'none'],
    comp: ['held', 'arpeggio'],
    timbres: { comp: ['pad', 'strings', 'choir'], bass: ['synthbass', 'pad'], lead: ['marimba', 'flute', 'piano'] },
    lead: 0.6,
    barsPerChord: [1, 2],
  },
  arpeggio: {
    bpm: [86, 142],
    drums: [{}, {}, { kick: 'x...x...x...x...' }],
    harmony: 'pop',
    bass: ['roots', 'none', 'long'],
    comp: ['arpeggio', 'sixteenths'],
    timbres: {
      comp: ['marimba', 'square', 'piano', 'saw', 'guitar'],
      bass: ['synthbass', 'bass'],
      lead: ['flute', 'square'],
    },
    lead: 0.4,
  },
  jazzballad: {
    bpm: [54, 80],
    drums: [
      { ride: 'x...x.x.x...x.x.', hat: '....x.......x...' },
      { shaker: 'x...x...x...x...', hat: '....x.......x...' },
    ],
    harmony: 'jazz',
    bass: ['walking', 'roots'],
    comp: ['held', 'charleston'],
    timbres: { comp: ['piano', 'epiano', 'guitar'], bass: ['bass'], lead: ['clarinet', 'brass', 'flute'] },
    lead: 0.8,
    swing: [0.58, 0.67],
  },
  latin: {
    bpm: [88, 116],
    drums: [{ kick: 'x.....x.x.....x.', rim: 'x..x..x...x.x...', shaker: 'xoxoxoxoxoxoxoxo', tom: '............x.x.' }],
    harmony: 'pop',
    bass: ['syncopated'],
    comp: ['sixteenths', 'stabs'],
    timbres: { comp: ['piano', 'guitar'], bass: ['bass'], lead: ['brass', 'flute'] },
    lead: 0.5,
    minor: 0.6,
  },
  breakbeat: {
    bpm: [90, 150],
    drums: [
      { kick: 'x.x.......xx....', snare: '....x..o.o..x..o', hat: 'x.x.x.x.x.x.x.x.' },
      { kick: 'x..x..x...x..x..', snare: '....x.......x.x.', ride: 'x.x.x.x.x.x.x.x.' },
      { kick: 'x.....x..xx.....', snare: '....x....o..x...', hat: 'xxx.x.xxx.x.xxx.', tom: '..............x.' },
    ],
    harmony: 'pop',
    bass: ['none', 'long', 'roots'],
    comp: ['held', 'none', 'held'],
    timbres: { comp: ['pad', 'strings', 'epiano', 'organ'], bass: ['synthbass'], lead: ['square'] },
    lead: 0.1,
  },
}

const COMP_RHYTHMS: Partial<Record<Comp, [at: number, length: number][]>> = {
  quavers: [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5].map((at) => [at, 0.42]),
  skank: [
    [1, 0.25],
    [3, 0.25],
    [0.5, 0.2],
    [1.5, 0.2],
    [2.5, 0.2],
    [3.5, 0.2],
  ],
  stabs: [
    [0, 0.3],
    [0.75, 0.3],
    [1.5, 0.3],
    [2.5, 0.3],
  ],
  charleston: [
    [0, 0.6],
    [1.5, 0.4],
  ],
  waltz: [
    [1, 0.6],
    [2, 0.6],
  ],
  pulse: [0, 1, 2, 3].map((at) => [at, 0.8]),
  bossa: [
    [0, 0.5],
    [1, 0.4],
    [1.5, 0.6],
    [2.5, 0.6],
    [3.5, 0.4],
  ],
  sixteenths: Array.from({ length: 16 }, (_, i) => [i / 4, 0.2]),
}

/** A band after the style's patterns: drums, bass, chords and a tune over a loop of chords. */
export function composeBand(brief: Brief, style: string): Piece {
  const { chance, tonic, mode } = brief
  const about = STYLES[style]!
  const bpm = chance.between(...about.bpm)
  const beats = about.beats ?? 4
  const total = brief.beatsFor(bpm)
  const bars = Math.ceil(total / beats)
  const swing = about.swing ? chance.between(...about.swing) : 0.5
  const swung = (at: number) => {
    const beat = Math.floor(at)
    const part = at - beat
    return beat + (part < 0.5 ? part * 2 * swing : swing + (part - 0.5) * 2 * (1 - swing))
  }
  const pattern = chance.pick(about.drums)
  const drums: Piece['drums'] = []
  const notes: Note[] = []
  const symbols = loop(chance, mode, chance.maybe(0.85) ? about.harmony : 'pop')
  const barsPerChord = chance.pick(about.barsPerChord ?? [1, 1, 1, 0.5, 2])
  const bass = chance.pick(about.bass)
  const comp = chance.pick(about.comp)
  const compTimbre = chance.pick(about.timbres.comp)
  const bassTimbre = chance.pick(about.timbres.bass)
  const lead = chance.maybe(about.lead) ? chance.pick(about.timbres.lead) : null
  const loud = chance.between(0.5, 1.1)
  const wide = chance.maybe(0.5)
  const scale = scaleNotes(
    tonic,
    chance.maybe(0.4) ? (mode === 'major' ? SCALES.pentatonic : SCALES.minorPentatonic) : SCALES[mode],
    64,
    86,
  )
  const motif = Array.from({ length: 2 }, () =>
    Array.from({ length: beats * 2 }, () => (chance.maybe(0.5) ? chance.whole(-2, 2) : null)),
  )
  // Breaks and entries: some bars have no drums or no chords.
  const drumsFrom = chance.maybe(0.12) ? chance.whole(2, 4) : 0
  let melody = Math.floor(scale.length / 2)
  for (let bar = 0; bar < bars; bar++) {
    const barAt = bar * beats
    if (bar >= drumsFrom) {
      for (const [drum, steps] of Object.entries(pattern) as [Drum, string][]) {
        for (let step = 0; step < beats * 4; step++) {
          const stroke = steps[step % steps.length]
          if (stroke === '.' || stroke === undefined || chance.maybe(0.02)) continue
          drums.push({
            drum,
            at: swung(barAt + step / 4),
            level: loud * (stroke === 'o' ? 0.35 : 0.8) * chance.between(0.85, 1.1),
          })
        }
      }
      if (bar % 4 === 3 && Object.keys(pattern).length > 1 && chance.maybe(0.4)) {
        for (let step = 0; step < 4; step++)
          drums.push({
            drum: chance.pick(['tom', 'snare']),
            at: swung(barAt + beats - 1 + step / 4),
            level: loud * 0.5,
          })
      }
    }
    const halves = barsPerChord < 1 ? 2 : 1
    for (let half = 0; half < halves; half++) {
      const index = Math.floor((bar + half / 2) / barsPerChord)
      const now = chord(symbols[index % symbols.length]!)
      const root = (tonic + now.root) % 12
      const from = barAt + (half * beats) / halves
      const length = beats / halves
      const low = nearest(root, bassTimbre === 'synthbass' ? 38 : 41)
      const put = (at: number, duration: number, midi: number, level = 0.42) =>
        notes.push({ timbre: bassTimbre, at: swung(from + at), length: duration, midi, level })
      if (bass === 'roots') put(0, length * 0.9, low)
      if (bass === 'roots' && length > 2 && chance.maybe(0.5)) put(length / 2, length / 2, low)
      if (bass === 'long') put(0, length * 0.98, low)
      for (let at = 0; at < length; at += 0.5) {
        const onBeat = at % 1 === 0
        if (bass === 'quavers') put(at, 0.45, low)
        if (bass === 'offbeat' && !onBeat) put(at, 0.4, low)
        if (bass === 'octaves') put(at, 0.4, onBeat ? low : low + 12)
        if (bass === 'walking' && onBeat)
          put(
            at,
            0.9,
            at === 0 ? low : nearest((root + chance.pick([...now.notes, 2, 5, 10])) % 12, low + chance.whole(-4, 6)),
          )
        if (bass === 'onefive' && (at % 2 === 0 || at % 2 === 1.5))
          put(
            at,
            at % 2 === 0 ? 1.3 : 0.4,
            at % 4 < 1.5 ? low : low + (chance.maybe(0.8) ? 7 : 0) - (low > 43 ? 12 : 0),
          )
        if (bass === 'syncopated' && (at === 0 || chance.maybe(0.4)))
          put(
            at + (at > 0 && chance.maybe(0.4) ? 0.25 : 0),
            0.4,
            chance.maybe(0.7) ? low : low + chance.pick([7, 10, 12, -5]),
          )
      }
      const voicing = now.notes.map((note) => nearest((root + note) % 12, wide ? 64 : 58))
      const level = 0.34 / Math.sqrt(voicing.length)
      const strum = (at: number, duration: number) => {
        for (const midi of voicing)
          notes.push({ timbre: compTimbre, at: swung(from + at), length: duration, midi, level })
      }
      if (comp === 'held') strum(0, length * 0.97)
      else if (comp === 'arpeggio') {
        const step = chance.maybe(0.0) ? 0.25 : style === 'arpeggio' && bpm < 125 ? 0.25 : 0.5
        const order = [...voicing, voicing[0]! + 12]
        for (let at = 0, i = 0; at < length; at += step, i++) {
          notes.push({
            timbre: compTimbre,
            at: swung(from + at),
            length: step * 1.6,
            midi: order[i % order.length]!,
            level: 0.26,
          })
        }
      } else if (comp !== 'none') {
        const rhythm = COMP_RHYTHMS[comp]!
        const quiet = comp === 'sixteenths'
        for (const [at, duration] of comp === 'skank' ? rhythm.slice(bar % 2 && swing > 0.5 ? 2 : 0, 6) : rhythm) {
          if (at >= length || (quiet && (Math.round(at * 4) * 7 + symbols.length) % 5 === 0)) continue
          strum(at, duration)
        }
      }
      if (lead) {
        const cell = motif[bar % 2]!
        for (let q = 0; q < length * 2; q++) {
          const move = cell[(half * length * 2 + q) % cell.length]
          if (move === null || move === undefined) continue
          melody = Math.max(0, Math.min(scale.length - 1, melody + move))
          const chordal =
            q === 0
              ? now.notes
                  .map((note) => nearest((root + note) % 12, scale[melody]!))
                  .reduce((a, b) => (Math.abs(b - scale[melody]!) < Math.abs(a - scale[melody]!) ? b : a))
              : scale[melody]!
          notes.push({
            timbre: lead,
            at: swung(from + q / 2),
            length: chance.pick([0.45, 0.5, 0.9]),
            midi: chordal,
            level: 0.26,
          })
        }
      }
    }
  }
  const pitched = notes.length > 0
  const category = style === 'breakbeat' ? 'loop' : 'pop'
  return {
    category,
    style,
    bpm,
    tonic: pitched ? tonic : null,
    mode: pitched ? mode : null,
    meter: `${beats}/4`,
    notes,
    drums,
    jitter: chance.pick([0, 0.003, 0.008]),
    drift: chance.maybe(0.15) ? 0.006 : 0,
  }
}

/** How often a style is in minor. */
export function minorPart(style: string): number {
  return STYLES[style]?.minor ?? 0.5
}
