/** What recordings are looked for by, beside words; as text, as fields hold it. */
export interface Filters {
  tempoMin: string
  tempoMax: string
  key: string
  loudnessMin: string
  loudnessMax: string
}

export const noFilters: Filters = { tempoMin: '', tempoMax: '', key: '', loudnessMin: '', loudnessMax: '' }

const pitches = ['C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'Ab', 'A', 'Bb', 'B']

/** All keys, as the server takes them: `C#m`, and whether they are minor. */
export const keys = pitches.flatMap((tonic) => [
  { value: tonic, tonic, isMinor: false },
  { value: `${tonic}m`, tonic, isMinor: true },
])

/** A tonic with its sign as musicians write it. */
export const tonicName = (tonic: string): string => tonic.replace('#', '♯').replace(/b$/, '♭')

export const countFilters = (filters: Filters): number => Object.values(filters).filter((value) => value !== '').length

/** Whether a range ends before it begins; such a question is not asked. */
export const isTurned = ({ tempoMin, tempoMax, loudnessMin, loudnessMax }: Filters): boolean =>
  [
    [tempoMin, tempoMax],
    [loudnessMin, loudnessMax],
  ].some(([from, to]) => from !== '' && to !== '' && Number(from) > Number(to))

/** From the address, so that a search can be kept and sent. */
export function readFilters(search: URLSearchParams): Filters {
  const number = (name: string) => {
    const text = search.get(name) ?? ''
    return text !== '' && Number.isFinite(Number(text)) ? text : ''
  }
  const key = search.get('key') ?? ''
  return {
    tempoMin: number('tempoMin'),
    tempoMax: number('tempoMax'),
    key: keys.some(({ value }) => value === key) ? key : '',
    loudnessMin: number('loudnessMin'),
    loudnessMax: number('loudnessMax'),
  }
}
