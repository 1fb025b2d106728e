import { type Chord, chord, SCALES, tonalPhrase } from './harmony.ts'
import { type Brief, type Note, nearest, type Piece, scaleNotes } from './piece.ts'
import type { Chance } from './random.ts'

/** Chords of a piece, each with its key: phrases, some in a neighbouring key. */
function harmonise(
  brief: Brief,
  count: number,
  phraseLength: number,
  modulation: number,
): { chord: Chord; tonic: number }[] {
  const { chance, mode } = brief
  const out: { chord: Chord; tonic: number }[] = []
  for (let phrase = 0; out.length < count; phrase++) {
    const away = phrase > 0 && chance.maybe(modulation)
    const shift = away
      ? mode === 'major'
        ? chance.draw([
            [7, 3],
            [5, 1],
          ] as const)
        : chance.draw([
            [3, 3],
            [7, 1],
          ] as const)
      : 0
    const phraseMode = away && mode === 'minor' && shift === 3 ? 'major' : mode
    for (const symbol of tonalPhrase(chance, phraseMode, phraseLength, away || chance.maybe(0.6))) {
      out.push({ chord: chord(symbol), tonic: (brief.tonic + shift) % 12 })
    }
  }
  return out
}

const pitchClasses = (chord: Chord, tonic: number) => chord.notes.map((note) => (tonic + chord.root + note) % 12)
const nearestOf = (classes: number[], midi: number) =>
  classes
    .map((pitchClass) => nearest(pitchClass, midi))
    .reduce((a, b) => (Math.abs(b - midi) < Math.abs(a - midi) ? b : a))

/** Four voices, a chord a beat, quavers in passing, long notes where phrases end. */
export function composeChorale(brief: Brief): Piece {
  const { chance, tonic, mode } = brief
  const bpm = chance.between(60, 118)
  const total = brief.beatsFor(bpm)
  const phrase = chance.pick([6, 7, 8, 8])
  const chords = harmonise(brief, total, phrase, 0.3)
  const sustained = ['organ', 'choir', 'strings', 'piano', 'brass', 'clarinet', 'accordion', 'oboe', 'violin']
  const timbre = chance.pick(sustained)
  const timbres = chance.maybe(0.25)
    ? Array.from({ length: 4 }, () => chance.pick(sustained))
    : [timbre, timbre, timbre, timbre]
  const ranges = [71, 65, 58, 49]
  const notes: Note[] = []
  const pickup = chance.maybe(0.5) ? 1 : 0
  const passing = chance.between(0.1, 0.4)
  let voices = ranges.slice()
  for (let i = 0, at = 0; i < chords.length; i++) {
    const { chord: now, tonic: key } = chords[i]!
    const classes = pitchClasses(now, key)
    const cadence = i % phrase === phrase - 1 - pickup
    const length = cadence ? chance.pick([1, 2, 2, 3]) : chance.maybe(0.06) ? 2 : 1
    const target = voices.map((midi, v) => {
      if (v === 3)
        return nearest(
          chance.draw([
            [classes[0]!, 6],
            [classes[1]!, 2.5],
            [classes[2]!, 0.7],
          ] as const),
          (midi + ranges[3]!) / 2,
        )
      const centre = Math.round((midi * 2 + ranges[v]! + chance.whole(-4, 4)) / 3)
      return nearestOf(classes.slice(0, 3), centre)
    })
    // The voices together have the chord: an inner voice takes what is missing.
    const missing = classes.slice(0, 2).find((pitchClass) => !target.some((midi) => midi % 12 === pitchClass))
    if (missing !== undefined) target[chance.pick([1, 2])] = nearest(missing, ranges[chance.pick([1, 2])]!)
    const scale = SCALES[mode].map((degree) => (degree + key) % 12)
    for (let v = 0; v < 4; v++) {
      const level = [0.3, 0.22, 0.22, 0.27][v]!
      const step = target[v]! - voices[v]!
      const last = notes.findLast(
        (note) => note.timbre === timbres[v] && Math.abs(note.midi - voices[v]!) < 1 && note.at + note.length === at,
      )
      if (last && last.length === 1 && Math.abs(step) >= 3 && Math.abs(step) <= 4 && chance.maybe(passing * 1.8)) {
        // A quaver between two notes a third apart.
        const between = scale.map((pitchClass) => nearest(pitchClass, voices[v]! + Math.round(step / 2)))
        last.length = 0.5
        notes.push({
          timbre: timbres[v]!,
          at: at - 0.5,
          length: 0.5,
          midi: between.reduce((a, b) =>
            Math.abs(b - voices[v]! - step / 2) < Math.abs(a - voices[v]! - step / 2) ? b : a,
          ),
          level,
        })
      } else if (last && last.length === 1 && chance.maybe(passing * 0.35)) {
        last.length = 0.5
        notes.push({
          timbre: timbres[v]!,
          at: at - 0.5,
          length: 0.5,
          midi: nearestOf(scale, voices[v]! + chance.pick([-2, 2])),
          level,
        })
      }
      notes.push({ timbre: timbres[v]!, at, length, midi: target[v]!, level })
    }
    voices = target
    at += length
    if (at > total) break
  }
  return {
    category: 'chorale',
    style: 'chorale',
    bpm,
    tonic,
    mode,
    meter: '4/4',
    notes,
    drums: [],
    jitter: chance.pick([0, 0, 0.006]),
    drift: chance.pick([0, 0, 0.004]),
  }
}

const RHYTHMS: readonly number[][] = [
  [1],
  [1],
  [0.5, 0.5],
  [0.5, 0.5],
  [0.25, 0.25, 0.25, 0.25],
  [0.75, 0.25],
  [0.5, 0.25, 0.25],
  [0.25, 0.25, 0.5],
]

/** A melody over chords: chord notes on beats, steps between. Gives notes from `at`, as long as the rhythm. */
function melodise(
  chance: Chance,
  from: number,
  rhythm: number[],
  at: number,
  classes: number[],
  scale: number[],
  range: [number, number],
): { notes: { at: number; length: number; midi: number }[]; end: number } {
  const notes: { at: number; length: number; midi: number }[] = []
  let midi = from
  let direction = chance.pick([-1, 1])
  for (const [i, length] of rhythm.entries()) {
    const onBeat = Math.abs(at - Math.round(at)) < 1e-6
    if (i === 0 || (onBeat && chance.maybe(0.7))) midi = nearestOf(classes, midi + chance.whole(-3, 3))
    else {
      let index = scale.findIndex((note) => note >= midi)
      if (index < 0) index = scale.length - 1
      if (chance.maybe(0.25)) direction = -direction
      index += direction * (chance.maybe(0.2) ? 2 : 1)
      midi = scale[Math.max(0, Math.min(scale.length - 1, index))]!
    }
    if (midi < range[0]) midi += 12
    if (midi > range[1]) midi -= 12
    if (!chance.maybe(0.03)) notes.push({ at, length: length * 0.95, midi })
    at += length
  }
  return { notes, end: midi }
}

/** Strings, winds or a keyboard: a melody, figures beneath it, a bass; a quartet's or a sonata's texture. */
export function composeEnsemble(brief: Brief): Piece {
  const { chance, tonic, mode } = brief
  const bpm = chance.maybe(0.2) ? chance.between(58, 80) : chance.between(80, 160)
  const beats = chance.draw([
    [4, 5],
    [3, 3],
    [2, 2],
  ] as const)
  const total = brief.beatsFor(bpm)
  const perChord = chance.pick([1, 2, beats, beats, beats])
  const chords = harmonise(brief, Math.ceil(total / perChord) + 8, chance.pick([4, 8]), 0.3)
  const keyboard = chance.maybe(0.35)
  const lead = keyboard ? 'piano' : chance.pick(['violin', 'strings', 'flute', 'oboe', 'clarinet'])
  const inner = keyboard ? 'piano' : chance.pick(['strings', 'violin', 'clarinet', 'cello'])
  const low = keyboard ? 'piano' : chance.pick(['cello', 'strings'])
  const figures = ['alberti', 'repeat', 'hold', 'offbeat', 'block', 'tremolo'] as const
  let figure = chance.pick(figures)
  const busy = chance.between(0.2, 1)
  const notes: Note[] = []
  let midi = chance.whole(70, 78)
  let held: number[] | null = null
  for (let at = 0; at < total; at++) {
    const { chord: now, tonic: key } = chords[Math.floor(at / perChord)]!
    const classes = pitchClasses(now, key)
    const scale = scaleNotes(key, SCALES[mode], 60, 90)
    if (at % (beats * 4) === 0 && chance.maybe(0.4)) figure = chance.pick(figures)
    const accent = at % beats === 0 ? 1.2 : 1
    if (held) held = held[0]! > 1 ? [held[0]! - 1] : null
    if (!held) {
      const long = chance.maybe(0.18)
      const cell = long ? [chance.pick([1.5, 2, 2, 3])] : chance.maybe(busy) ? chance.pick(RHYTHMS) : [1]
      const made = melodise(chance, midi, cell, at, classes, scale, [64, 88])
      midi = made.end
      for (const note of made.notes) notes.push({ timbre: lead, ...note, level: 0.33 * accent })
      if (long) held = [Math.floor(cell[0]!)]
    }
    const chordNotes = classes.slice(0, 3).map((pitchClass) => nearest(pitchClass, 57))
    const put = (offset: number, length: number, pitch: number, level = 0.16) =>
      notes.push({ timbre: inner, at: at + offset, length, midi: pitch, level: level * accent })
    const newChord = at % perChord === 0
    if (figure === 'alberti')
      for (let q = 0; q < 2; q++) put(q / 2, 0.45, chordNotes[q === 0 ? (at % 2 ? 1 : 0) : 2]!, 0.2)
    else if (figure === 'repeat')
      for (let q = 0; q < 2; q++) for (const pitch of chordNotes) put(q / 2, 0.4, pitch, 0.11)
    else if (figure === 'tremolo') for (let q = 0; q < 4; q++) put(q / 4, 0.22, chordNotes[q % 2 ? 2 : 0]!, 0.13)
    else if (figure === 'offbeat') {
      if (at % beats !== 0) for (const pitch of chordNotes) put(0, 0.6, pitch, 0.12)
    } else if (figure === 'block') for (const pitch of chordNotes) put(0, 0.9, pitch, 0.12)
    else if (newChord) for (const pitch of chordNotes) put(0, perChord * 0.97, pitch, 0.13)
    if (newChord || (perChord >= beats && at % beats === 0) || chance.maybe(0.25 * busy)) {
      const pitch = nearest(
        chance.draw([
          [classes[0]!, 6],
          [classes[1]!, 2],
          [classes[2]!, 1],
        ] as const),
        46,
      )
      notes.push({
        timbre: low,
        at,
        length: newChord ? Math.min(perChord, chance.pick([1, 1, 2])) * 0.95 : 0.9,
        midi: pitch,
        level: 0.3 * accent,
      })
    }
  }
  return {
    category: 'ensemble',
    style: keyboard ? 'keyboard' : 'ensemble',
    bpm,
    tonic,
    mode,
    meter: `${beats}/4`,
    notes,
    drums: [],
    jitter: chance.pick([0, 0, 0.008]),
    drift: chance.pick([0, 0.004, 0.01]),
  }
}

interface Dance {
  /** Notes of a beat, as parts of it. */
  cells: readonly number[][]
  beatsPerBar: number
  meter: string
  bpm: [number, number]
}

const third = 1 / 3
const DANCES: Record<string, Dance> = {
  reel: {
    cells: [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [1], [0.25, 0.25, 0.5], [third, third, third]],
    beatsPerBar: 4,
    meter: '4/4',
    bpm: [90, 130],
  },
  'reel in semiquavers': {
    cells: [
      [0.25, 0.25, 0.25, 0.25],
      [0.25, 0.25, 0.25, 0.25],
      [0.5, 0.25, 0.25],
      [0.5, 0.5],
      [0.25, 0.25, 0.5],
    ],
    beatsPerBar: 2,
    meter: '2/4',
    bpm: [85, 130],
  },
  jig: {
    cells: [
      [third, third, third],
      [third, third, third],
      [third, third, third],
      [2 * third, third],
      [2 * third, third],
      [1],
      [0.5, third / 2, third],
    ],
    beatsPerBar: 2,
    meter: '6/8',
    bpm: [90, 130],
  },
  slipjig: {
    cells: [[third, third, third], [2 * third, third], [third, third, third], [1]],
    beatsPerBar: 3,
    meter: '9/8',
    bpm: [85, 125],
  },
  hornpipe: {
    cells: [
      [0.375, 0.125, 0.375, 0.125],
      [0.25, 0.25, 0.25, 0.25],
      [0.5, 0.5],
      [0.25, 0.25, 0.5],
      [0.375, 0.125, 0.25, 0.25],
    ],
    beatsPerBar: 2,
    meter: '2/4',
    bpm: [75, 130],
  },
  strathspey: {
    cells: [[0.75, 0.25], [0.25, 0.75], [0.75, 0.25], [0.25, 0.75], [0.5, 0.5], [1], [0.25, 0.25, 0.25, 0.25]],
    beatsPerBar: 4,
    meter: '4/4',
    bpm: [85, 130],
  },
  polka: {
    cells: [[0.5, 0.5], [0.5, 0.25, 0.25], [0.25, 0.25, 0.5], [0.5, 0.5], [1]],
    beatsPerBar: 2,
    meter: '2/4',
    bpm: [100, 140],
  },
  air: { cells: [[1], [0.5, 0.5], [0.75, 0.25], [1], [0.5, 0.5]], beatsPerBar: 3, meter: '3/4', bpm: [75, 130] },
  march: { cells: [[1], [0.75, 0.25], [0.5, 0.5], [1], [0.75, 0.25]], beatsPerBar: 4, meter: '4/4', bpm: [90, 125] },
}

/** A dance tune in repeated parts: one line, often alone, or with chords or a drum. */
export function composeFolk(brief: Brief): Piece {
  const { chance, tonic, mode } = brief
  const style = chance.pick(Object.keys(DANCES))
  const dance = DANCES[style]!
  const bpm = chance.between(...dance.bpm)
  const total = brief.beatsFor(bpm)
  const scaleName =
    mode === 'major'
      ? chance.draw([
          ['major', 6],
          ['mixolydian', 1.5],
          ['pentatonic', 0.7],
        ] as const)
      : chance.draw([
          ['minor', 3],
          ['dorian', 3],
        ] as const)
  const centre = chance.whole(66, 76)
  const scale = scaleNotes(tonic, SCALES[scaleName], centre - 12, centre + 12)
  const flatSeventh = mode === 'minor' || scaleName === 'mixolydian'
  const degrees =
    mode === 'major'
      ? ['I', 'I', 'IV', flatSeventh ? 'bVII' : 'V']
      : ['I:m', 'I:m', 'bVII', chance.pick(['IV', 'IV:m', 'V:m'])]
  const phraseBars = 4
  const makePart = () => {
    const out: { at: number; length: number; midi: number }[] = []
    const harmony: Chord[] = []
    let midi = nearest(tonic, centre)
    for (let bar = 0; bar < phraseBars; bar++) {
      const now = chord(
        bar === 0
          ? degrees[0]!
          : bar === phraseBars - 1
            ? chance.pick([degrees[3]!, degrees[0]!])
            : chance.pick(degrees),
      )
      harmony.push(now)
      const rhythm: number[] = []
      for (let beat = 0; beat < dance.beatsPerBar; beat++) rhythm.push(...chance.pick(dance.cells))
      const made = melodise(chance, midi, rhythm, bar * dance.beatsPerBar, pitchClasses(now, tonic), scale, [
        centre - 12,
        centre + 14,
      ])
      midi = made.end
      out.push(...made.notes)
    }
    return { out, harmony }
  }
  const parts = [makePart(), makePart(), makePart()]
  const order = chance.pick([
    [0, 1, 0, 2],
    [0, 0, 1, 1],
    [0, 1, 0, 1],
  ])
  const lead = chance.pick(['violin', 'violin', 'flute', 'accordion', 'guitar', 'piano', 'clarinet', 'oboe'])
  const backing = chance.draw([
    ['none', 3],
    ['chords', 3],
    ['bass', 1],
    ['drone', 0.7],
  ] as const)
  const backingTimbre = chance.pick(['guitar', 'piano', 'accordion', 'strings'])
  const drums = chance.maybe(0.45)
  const notes: Note[] = []
  const strokes: Piece['drums'] = []
  const partBeats = phraseBars * dance.beatsPerBar
  for (let start = 0, p = 0; start < total; start += partBeats, p++) {
    const part = parts[order[p % order.length]!]!
    for (const note of part.out) {
      const accent = Math.abs(note.at - Math.round(note.at)) < 1e-6 ? chance.between(1, 1.35) : 1
      notes.push({ timbre: lead, at: start + note.at, length: note.length, midi: note.midi, level: 0.33 * accent })
    }
    for (let beat = 0; beat < partBeats; beat++) {
      const bar = Math.floor(beat / dance.beatsPerBar)
      const strong = beat % dance.beatsPerBar === 0
      const classes = pitchClasses(part.harmony[bar]!, tonic)
      const at = start + beat
      if (backing === 'chords') {
        if (strong || dance.beatsPerBar < 3)
          notes.push({ timbre: backingTimbre, at, length: 0.8, midi: nearest(classes[0]!, 48), level: 0.25 })
        const offset = chance.maybe(0.8) ? (dance.meter.endsWith('8') ? 2 * third : 0.5) : 0
        for (const pitchClass of classes)
          notes.push({ timbre: backingTimbre, at: at + offset, length: 0.3, midi: nearest(pitchClass, 60), level: 0.1 })
      } else if (backing === 'bass' && (strong || chance.maybe(0.5))) {
        notes.push({
          timbre: 'bass',
          at,
          length: 0.9,
          midi: nearest(strong ? classes[0]! : classes[2]!, 43),
          level: 0.35,
        })
      } else if (backing === 'drone' && strong) {
        for (const pitchClass of [tonic, (tonic + 7) % 12])
          notes.push({ timbre: 'accordion', at, length: dance.beatsPerBar, midi: nearest(pitchClass, 52), level: 0.12 })
      }
      if (drums) {
        strokes.push({ drum: strong ? 'kick' : chance.pick(['tom', 'kick', 'rim']), at, level: strong ? 0.4 : 0.28 })
        const division = dance.meter.endsWith('8')
          ? [third, 2 * third]
          : dance.cells[0]!.length === 4
            ? [0.25, 0.5, 0.75]
            : [0.5]
        for (const offset of division)
          if (chance.maybe(0.75))
            strokes.push({ drum: chance.pick(['shaker', 'hat', 'rim']), at: at + offset, level: 0.22 })
      }
    }
  }
  return {
    category: 'folk',
    style,
    bpm,
    tonic,
    mode,
    meter: dance.meter,
    notes,
    drums: strokes,
    jitter: chance.pick([0, 0, 0.008]),
    drift: chance.pick([0, 0, 0.005]),
  }
}
