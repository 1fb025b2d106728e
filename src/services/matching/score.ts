import type { MusicianSketchDoc } from '../../../models/MusicianSketch.ts'
import { isMinor, keyDistance, keyName, tempoLikeness } from '../shared/harmony.ts'
import type { Reasons } from '../shared/reasons.ts'
import type { Spread } from './features.ts'

/** What a score is made of, of a user or of a single recording. */
export type Sketch = Pick<MusicianSketchDoc, 'heard' | 'features' | 'tempos' | 'keys' | 'tags' | 'plays' | 'needs'>

/** What sketches are held against. */
export interface Ground {
  spread: Spread
  /** How many users there are, and how many of them have a tag. */
  users: number
  usersWith(tag: string): number
}

export interface Scored {
  /** 0 to 1. */
  score: number
  reasons: Reasons
}

/** How much each part weighs, and what it comes to between strangers. */
const parts = {
  sound: { weight: 0.35, strangers: 0.2 },
  tempo: { weight: 0.2, strangers: 0.3 },
  key: { weight: 0.15, strangers: 0.5 },
  tags: { weight: 0.3, strangers: 0.05 },
}
/** Of so many recordings half is believed. */
const halfHeard = 2
const halfTags = 2
/** What of the way to 1 a met need goes at most. */
const needWeight = 0.3

const trust = (count: number, half: number) => count / (count + half)
/** Of two sides the geometric mean. */
const believed = (a: number, b: number, half: number) => Math.sqrt(trust(a, half) * trust(b, half))

/** z-score over the catalogue, drawn to 0 where few recordings are known. */
const zOf = (value: number, at: number, { means, deviations }: Spread, heard: number) =>
  ((value - means[at]!) / deviations[at]!) * trust(heard, 0.5)

/** exp of minus the mean squared difference of z-scores; null where no feature is known of both. */
function soundLikeness(a: Sketch, b: Sketch, spread: Spread): number | null {
  let sum = 0
  let count = 0
  for (let at = 0; at < a.features.length; at++) {
    const [x, y] = [a.features[at], b.features[at]]
    if (typeof x !== 'number' || typeof y !== 'number') continue
    sum += (zOf(x, at, spread, a.heard) - zOf(y, at, spread, b.heard)) ** 2
    count++
  }
  return count === 0 ? null : Math.exp(-sum / count)
}

/** Each of one side's modes with the best of the other's, by weight; both ways. Null where a side has none. */
function bestOf<T extends { weight: number }>(a: T[], b: T[], likeness: (x: T, y: T) => number): number | null {
  if (a.length === 0 || b.length === 0) return null
  const oneWay = (from: T[], to: T[]) => {
    const whole = from.reduce((sum, { weight }) => sum + weight, 0)
    const sum = from.reduce((all, x) => all + x.weight * Math.max(...to.map((y) => likeness(x, y))), 0)
    return whole > 0 ? sum / whole : 0
  }
  return (oneWay(a, b) + oneWay(b, a)) / 2
}

/** Cosine of TF-IDF vectors, tf = 1 + ln(count), idf = ln(1 + users / (1 + users with it)); with the shared tags. */
export function tagLikeness(
  a: Sketch['tags'],
  b: Sketch['tags'],
  ground: Ground,
): { likeness: number; shared: string[] } {
  const weigh = ({ name, count }: Sketch['tags'][number]) =>
    (1 + Math.log(count)) * Math.log(1 + ground.users / (1 + ground.usersWith(name)))
  const other = new Map(b.map((tag) => [tag.name, weigh(tag)]))
  let dot = 0
  let ownSquares = 0
  const shared: [string, number][] = []
  for (const tag of a) {
    const own = weigh(tag)
    ownSquares += own * own
    const its = other.get(tag.name)
    if (its === undefined) continue
    dot += own * its
    shared.push([tag.name, own * its])
  }
  let squares = 0
  for (const its of other.values()) squares += its * its
  const norm = Math.sqrt(ownSquares * squares)
  shared.sort((x, y) => y[1] - x[1] || (x[0] < y[0] ? -1 : 1))
  return { likeness: norm > 0 ? Math.min(1, dot / norm) : 0, shared: shared.map(([name]) => name) }
}

/** What of `needs` the other plays. */
const metBy = (needs: string[], plays: string[]) => needs.filter((need) => plays.includes(need))

/** 1 - 0.3^n for n needs that are met, on whichever side. */
const complement = (met: number): number => 1 - 0.3 ** met

/**
 * How well two suit each other, and why: likeness of sound, tempo, key and tags, each drawn to what it is between
 * strangers as far as little is known, and on top what the one lacks and the other plays. Symmetric.
 */
export function scorePair(a: Sketch, b: Sketch, ground: Ground): Scored {
  const heard = believed(a.heard, b.heard, halfHeard)
  const sound = soundLikeness(a, b, ground.spread)
  const tempo = bestOf(a.tempos, b.tempos, (x, y) => tempoLikeness(x.bpm, y.bpm))
  const key = bestOf(a.keys, b.keys, (x, y) => 1 - keyDistance(x.key, y.key))
  const { likeness, shared } = tagLikeness(a.tags, b.tags, ground)
  const part = (name: keyof typeof parts, value: number | null, belief: number) => {
    const { weight, strangers } = parts[name]
    return weight * (value === null ? strangers : belief * value + (1 - belief) * strangers)
  }
  const alike =
    part('sound', sound, heard) +
    part('tempo', tempo, heard) +
    part('key', key, heard) +
    part('tags', likeness, believed(a.tags.length, b.tags.length, halfTags))
  const firstNeeds = metBy(a.needs, b.plays)
  const secondNeeds = metBy(b.needs, a.plays)
  const score = alike + (1 - alike) * needWeight * complement(firstNeeds.length + secondNeeds.length)
  return { score: Math.max(0, Math.min(1, score)), reasons: reasonsOf() }

  function reasonsOf(): Reasons {
    const reasons: Reasons = {}
    const [x, y] = [a.tempos[0], b.tempos[0]]
    if (x && y && tempoLikeness(x.bpm, y.bpm) > 0.6) {
      // In the octave of the slower one, the middle.
      const [low, high] = [Math.min(x.bpm, y.bpm), Math.max(x.bpm, y.bpm)]
      const folded = high / 2 ** Math.round(Math.log2(high / low))
      reasons.bpm = Math.round(Math.sqrt(low * folded))
    }
    const [k, l] = [a.keys[0]?.key, b.keys[0]?.key]
    if (k !== undefined && l !== undefined && keyDistance(k, l) <= 1.5 / 6.5) {
      reasons.keys = [keyName(k), keyName(l)]
      if (isMinor(k) === isMinor(l)) reasons.isSameMode = isMinor(k) ? 'minor' : 'major'
    }
    if (shared.length > 0) reasons.tags = shared.slice(0, 3)
    if (sound !== null && sound > 0.6) reasons.sound = true
    if (firstNeeds.length > 0) reasons.firstNeeds = firstNeeds
    if (secondNeeds.length > 0) reasons.secondNeeds = secondNeeds
    return reasons
  }
}
