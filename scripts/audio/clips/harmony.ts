import type { Chance } from './random.ts'

export type Mode = 'major' | 'minor'

/** Semitones above the tonic, and the notes of the chord above its root. */
export interface Chord {
  root: number
  notes: readonly number[]
}

const QUALITIES = {
  '': [0, 4, 7],
  m: [0, 3, 7],
  o: [0, 3, 6],
  '7': [0, 4, 7, 10],
  M7: [0, 4, 7, 11],
  m7: [0, 3, 7, 10],
  h7: [0, 3, 6, 10],
  s4: [0, 5, 7],
  '9': [0, 4, 7, 10, 14],
  m9: [0, 3, 7, 10, 14],
  '5': [0, 7],
} as const
const ROOTS: Record<string, number> = {
  I: 0,
  bII: 1,
  II: 2,
  bIII: 3,
  III: 4,
  IV: 5,
  '#IV': 6,
  V: 7,
  bVI: 8,
  VI: 9,
  bVII: 10,
  VII: 11,
}

/** `II:m7` is the minor seventh chord on the second degree of the major scale. */
export function chord(symbol: string): Chord {
  const [root, quality = ''] = symbol.split(':')
  return { root: ROOTS[root!]!, notes: QUALITIES[quality as keyof typeof QUALITIES] }
}

export const SCALES = {
  major: [0, 2, 4, 5, 7, 9, 11],
  minor: [0, 2, 3, 5, 7, 8, 10],
  dorian: [0, 2, 3, 5, 7, 9, 10],
  mixolydian: [0, 2, 4, 5, 7, 9, 10],
  pentatonic: [0, 2, 4, 7, 9],
  minorPentatonic: [0, 3, 5, 7, 10],
} as const

/** What follows what in tonal music, roughly as harmony books have it. */
const MAJOR_STEPS: Record<string, [string, number][]> = {
  I: [
    ['IV', 3],
    ['V', 4],
    ['VI:m', 2],
    ['II:m', 2],
    ['III:m', 0.5],
    ['I', 1],
    ['V:7', 1],
    ['I:7', 0.3],
  ],
  'I:7': [['IV', 1]],
  'II:m': [
    ['V', 4],
    ['V:7', 3],
    ['VII:o', 0.5],
    ['I', 0.5],
  ],
  'III:m': [
    ['VI:m', 3],
    ['IV', 2],
  ],
  IV: [
    ['V', 4],
    ['I', 3],
    ['II:m', 1.5],
    ['V:7', 1.5],
    ['VII:o', 0.4],
  ],
  V: [
    ['I', 6],
    ['VI:m', 1.5],
    ['V:7', 1],
    ['IV', 0.4],
  ],
  'V:7': [
    ['I', 7],
    ['VI:m', 1],
  ],
  'VI:m': [
    ['II:m', 3],
    ['IV', 3],
    ['V', 2],
    ['III:m', 0.5],
    ['II:7', 0.7],
  ],
  'II:7': [['V', 3]],
  'VII:o': [['I', 3]],
}
const MINOR_STEPS: Record<string, [string, number][]> = {
  'I:m': [
    ['IV:m', 3],
    ['V', 4],
    ['bVI', 2],
    ['II:h7', 1.5],
    ['bIII', 1],
    ['bVII', 1],
    ['I:m', 1],
    ['V:m', 0.5],
  ],
  'II:h7': [
    ['V', 4],
    ['V:7', 2],
  ],
  bIII: [
    ['bVI', 2],
    ['IV:m', 2],
    ['bVII', 1],
    ['V', 1],
  ],
  'IV:m': [
    ['V', 4],
    ['I:m', 3],
    ['bVII', 1.5],
    ['V:7', 1.5],
  ],
  V: [
    ['I:m', 6],
    ['bVI', 1.5],
    ['V:7', 1],
  ],
  'V:7': [
    ['I:m', 7],
    ['bVI', 1],
  ],
  'V:m': [
    ['bVI', 1],
    ['I:m', 2],
    ['IV:m', 1],
  ],
  bVI: [
    ['IV:m', 2],
    ['II:h7', 2],
    ['V', 2],
    ['bVII', 1],
    ['bIII', 1],
  ],
  bVII: [
    ['bIII', 3],
    ['I:m', 1.5],
    ['bVI', 1],
  ],
}

/** A phrase of tonal harmony that ends in a cadence: full, half or deceptive. */
export function tonalPhrase(chance: Chance, mode: Mode, length: number, full: boolean): string[] {
  const steps = mode === 'major' ? MAJOR_STEPS : MINOR_STEPS
  const tonic = mode === 'major' ? 'I' : 'I:m'
  const phrase = [chance.maybe(0.8) ? tonic : chance.pick(Object.keys(steps))]
  while (phrase.length < length) phrase.push(chance.draw(steps[phrase[phrase.length - 1]!]!))
  phrase[length - 1] = full ? (mode === 'minor' && chance.maybe(0.15) ? 'I' : tonic) : 'V'
  if (length > 2) {
    const approach = mode === 'major' ? ['IV', 'II:m', 'I', 'VI:m'] : ['IV:m', 'II:h7', 'I:m', 'bVI']
    phrase[length - 2] = full ? chance.pick(['V', 'V:7', 'V']) : chance.pick(approach)
  }
  return phrase
}

const POP_MAJOR = [
  'I V VI:m IV',
  'I VI:m IV V',
  'I IV V IV',
  'I IV I V',
  'I IV VI:m V',
  'I III:m IV V',
  'I V IV V',
  'I bVII IV I',
  'IV I V VI:m',
  'I II:m IV V',
  'I I IV V',
  'IV V I VI:m',
  'I V II:m IV',
]
const POP_MINOR = [
  'I:m bVI bIII bVII',
  'I:m bVII bVI bVII',
  'I:m IV:m V:m I:m',
  'I:m bVI IV:m V',
  'I:m IV:m bVII bIII',
  'I:m bIII bVII IV',
  'I:m I:m bVI bVII',
  'I:m V:m bVI bVII',
  'I:m bVI bVII I:m',
  'I:m IV:m I:m V',
  'I:m bVII bVI V',
  'bVI bVII I:m I:m',
]
const JAZZ_MAJOR = [
  'I:M7 VI:m7 II:m7 V:7',
  'II:m7 V:7 I:M7 I:M7',
  'I:M7 VI:7 II:m7 V:9',
  'I:M7 IV:M7 III:m7 VI:7 II:m7 V:7 I:M7 V:7',
]
const JAZZ_MINOR = [
  'I:m7 IV:m7 II:h7 V:7',
  'II:h7 V:7 I:m7 I:m7',
  'I:m7 bVI:M7 II:h7 V:7',
  'I:m9 IV:m7 bVII:7 bIII:M7 bVI:M7 II:h7 V:7 I:m7',
]
const MODAL_MINOR = ['I:m7 IV:7', 'I:m7 I:m7 IV:7 IV:7', 'I:m9', 'I:m I:m bVII bVII', 'I:m7 bVII']
const MODAL_MAJOR = ['I:7 IV:7', 'I bVII', 'I:7', 'I:7 I:7 IV:7 I:7', 'I IV']

export type Harmony = 'pop' | 'jazz' | 'modal' | 'blues'

/** A loop of chords, of a kind of music. */
export function loop(chance: Chance, mode: Mode, kind: Harmony): string[] {
  if (kind === 'blues') {
    const text =
      mode === 'major'
        ? 'I:7 I:7 I:7 I:7 IV:7 IV:7 I:7 I:7 V:7 IV:7 I:7 V:7'
        : 'I:m7 I:m7 I:m7 I:m7 IV:m7 IV:m7 I:m7 I:m7 V:7 IV:m7 I:m7 V:7'
    return text.split(' ')
  }
  const lists = {
    pop: [POP_MAJOR, POP_MINOR],
    jazz: [JAZZ_MAJOR, JAZZ_MINOR],
    modal: [MODAL_MAJOR, MODAL_MINOR],
  } as const
  return chance.pick(lists[kind][mode === 'major' ? 0 : 1]).split(' ')
}
