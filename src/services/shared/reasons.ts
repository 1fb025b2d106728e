import { instruments } from './instruments.ts'

/** Why two suit each other, from either side. */
export interface Reasons {
  bpm?: number
  keys?: [string, string]
  isSameMode?: 'minor' | 'major'
  tags?: string[]
  sound?: true
  /** What the first one's projects lack and the second one plays, and the other way round. */
  firstNeeds?: string[]
  secondNeeds?: string[]
}

const listed = (words: string[]) =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
const a = (word: string) => `${/^[aeiou]/.test(word) ? 'an' : 'a'} ${word}`
const players = (names: string[]) => listed(names.map((name) => a(instruments[name]?.player ?? name)))
const deeds = (names: string[]) => listed(names.map((name) => instruments[name]?.does ?? name))

/** Reasons in sentences, for the first or the second of the two: what is lacked first, then tempo and key, tags, sound. */
export function tellReasons(reasons: Reasons, side: 'first' | 'second'): string[] {
  const [own, theirs] =
    side === 'first' ? [reasons.firstNeeds, reasons.secondNeeds] : [reasons.secondNeeds, reasons.firstNeeds]
  const lines: string[] = []
  if (own) lines.push(`your open project lacks ${players(own)}, and this user ${deeds(own)}`)
  if (theirs) lines.push(`their open project lacks ${players(theirs)}, as you are by your profile`)
  const { bpm, keys, isSameMode, tags, sound } = reasons
  const inKeys = !keys ? '' : isSameMode ? `in ${isSameMode} keys` : `in keys that go together`
  if (bpm !== undefined) lines.push(`both near ${bpm} BPM${inKeys && ` ${inKeys}`}`)
  else if (inKeys) lines.push(`both ${inKeys}`)
  if (tags) lines.push(`both with ${listed(tags)}`)
  if (sound) lines.push('alike in loudness, dynamics and timbre')
  return lines
}
