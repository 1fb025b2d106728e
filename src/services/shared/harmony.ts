/** Pure functions over tempo and key. A key is 0 to 11 for C major up to B major, 12 to 23 for C minor up to B minor. */

const steps: Record<string, number> = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 }
const names = ['C', 'C#', 'D', 'D#', 'E', 'F', 'F#', 'G', 'G#', 'A', 'A#', 'B']
const written = /^\s*([A-Ga-g])\s*([#♯b♭]?)\s*(m|min|minor|maj|major|M|)\s*$/

/** The key that a text such as `C#m`, `Db`, `F# minor` names; undefined where it names none. */
export function parseKey(text: string): number | undefined {
  const found = written.exec(text.replace(/\b(minor|major|min|maj)\b/i, (word) => word.toLowerCase()))
  if (!found) return undefined
  const [, letter, accidental, mode] = found
  const shift = accidental === '#' || accidental === '♯' ? 1 : accidental ? 11 : 0
  const tonic = (steps[letter!.toUpperCase()]! + shift) % 12
  return mode === 'm' || mode?.startsWith('min') ? tonic + 12 : tonic
}

export const isMinor = (key: number): boolean => key >= 12

/** A key as `C#m`. */
export const keyName = (key: number): string => `${names[key % 12]}${isMinor(key) ? 'm' : ''}`

/** Where a key stands on the circle of fifths, 0 to 11; a minor key where its relative major stands. */
const fifthOf = (key: number): number => (((isMinor(key) ? key + 3 : key) % 12) * 7) % 12

/** Farthest keys: half the circle and another mode. */
const farthest = 6.5

/**
 * 0 for the same key to 1 for the farthest: steps on the circle of fifths, and half a step for the mode, so that C major
 * and A minor are closer than C major and G major.
 */
export function keyDistance(a: number, b: number): number {
  const apart = Math.abs(fifthOf(a) - fifthOf(b))
  return (Math.min(apart, 12 - apart) + (isMinor(a) === isMinor(b) ? 0 : 0.5)) / farthest
}

/** The keys closest to one: its relative, and those a fifth above and below. */
export function neighbouringKeys(key: number): number[] {
  const [mode, tonic] = isMinor(key) ? [12, key - 12] : [0, key]
  const relative = isMinor(key) ? (tonic + 3) % 12 : 12 + ((tonic + 9) % 12)
  return [relative, mode + ((tonic + 7) % 12), mode + ((tonic + 5) % 12)]
}

/** How far two tempos are apart in octaves, 0 to 0.5: 70 and 140 beats a minute are the same pulse. */
export function tempoDistance(a: number, b: number): number {
  const octaves = Math.log2(a / b)
  return Math.abs(octaves - Math.round(octaves))
}

/** How far tempos may be apart that still feel alike, in octaves: 92 and 97 beats a minute. */
const tempoWidth = 0.08

/** 1 for the same pulse, falling as a bell. */
export const tempoLikeness = (a: number, b: number): number => Math.exp(-((tempoDistance(a, b) / tempoWidth) ** 2))

/** How many tempo buckets an octave has. */
const tempoBuckets = 12

/** The bucket of a tempo, folded into one octave, and the neighbour that it is closer to. */
export function tempoBucketOf(bpm: number): { bucket: number; neighbour: number } {
  const octaves = Math.log2(bpm)
  const place = (octaves - Math.floor(octaves)) * tempoBuckets
  const bucket = Math.floor(place) % tempoBuckets
  const neighbour = (bucket + (place - Math.floor(place) < 0.5 ? tempoBuckets - 1 : 1)) % tempoBuckets
  return { bucket, neighbour }
}
