/** What a program's metadata says, as far as it is what we know: bots write it too, so each part is looked at. */
export interface Reading {
  loudness: { stepSeconds: number; values: (number | null)[]; integrated: number | null } | null
  /** LUFS that others ask for, by name. */
  targets: { name: string; lufs: number }[]
  tempo: {
    confidence: number | null
    alternatives: { bpm: number; confidence: number }[]
    curve: { seconds: number; bpm: number }[]
  }
  key: { confidence: number | null; alternatives: { name: string; confidence: number }[] }
  /** From C on, twelve parts of the largest; null where it was not told. */
  chroma: number[] | null
  sections: { start: number; end: number; label: string }[]
}

const mostPoints = 20_000

type Loose = Record<string, unknown>
const object = (value: unknown): Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Loose) : {}
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value.slice(0, mostPoints) : [])
const number = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null)
const text = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 60) : '')

/** Reads metadata; what is missing or odd is left out. */
export function readMetadata(raw: unknown): Reading {
  const metadata = object(raw)
  const loudness = object(metadata['loudness'])
  const curve = object(loudness['shortTermCurve'])
  const stepSeconds = number(curve['stepSeconds'])
  const values = list(curve['values']).map(number)
  const tempo = object(metadata['tempo'])
  const key = object(metadata['key'])
  const chroma = list(metadata['chroma']).map((each) => Math.max(0, number(each) ?? 0))
  const peak = Math.max(...chroma, 0)
  const targets = object(loudness['targets'] ?? metadata['targets'])
  return {
    loudness:
      stepSeconds && stepSeconds > 0 && values.some((each) => each !== null)
        ? { stepSeconds, values, integrated: number(loudness['integrated']) }
        : null,
    targets: Object.entries(targets)
      .flatMap(([name, lufs]) => (typeof lufs === 'number' ? [{ name: name.slice(0, 30), lufs }] : []))
      .slice(0, 4),
    tempo: {
      confidence: number(tempo['confidence']),
      alternatives: list(tempo['alternatives'])
        .map(object)
        .flatMap(({ bpm, confidence }) =>
          number(bpm) ? [{ bpm: number(bpm)!, confidence: number(confidence) ?? 0 }] : [],
        )
        .slice(0, 4),
      curve: list(tempo['curve'])
        .map(object)
        .flatMap(({ seconds, bpm }) =>
          number(seconds) !== null && number(bpm) ? [{ seconds: number(seconds)!, bpm: number(bpm)! }] : [],
        ),
    },
    key: {
      confidence: number(key['confidence']),
      alternatives: list(key['alternatives'])
        .map(object)
        .flatMap(({ name, confidence }) =>
          text(name) ? [{ name: text(name), confidence: number(confidence) ?? 0 }] : [],
        )
        .slice(0, 4),
    },
    chroma: chroma.length === 12 && peak > 0 ? chroma.map((each) => each / peak) : null,
    sections: list(metadata['sections'])
      .map(object)
      .flatMap(({ start, end, label }) => {
        const [from, to] = [number(start), number(end)]
        return from !== null && to !== null && to > from ? [{ start: from, end: to, label: text(label) }] : []
      })
      .slice(0, 200),
  }
}

const pitches = ['C', 'C#', 'D', 'D#', 'E', 'F', 'F#', 'G', 'G#', 'A', 'A#', 'B']
const flats: Record<string, string> = { Db: 'C#', Eb: 'D#', Gb: 'F#', Ab: 'G#', Bb: 'A#' }

/** The keys round the circle of fifths from C on: each major one with its parallel minor one inside. */
export const circle = Array.from({ length: 12 }, (_, at) => ({
  major: pitches[(at * 7) % 12]!,
  minor: `${pitches[(at * 7 + 9) % 12]!}m`,
}))

/** A key by its name with sharps, as the circle has it: `Dbm` is `C#m`. */
export function keyName(name: string): string {
  const isMinor = name.endsWith('m')
  const tonic = isMinor ? name.slice(0, -1) : name
  return (flats[tonic] ?? tonic) + (isMinor ? 'm' : '')
}

/** The place of a pitch, from C on, on the circle of fifths. */
export const fifthsPlace = (pitch: number): number => (pitch * 7) % 12
