interface Instrument {
  /** What one who plays it is called. */
  player: string
  /** What such a one does. */
  does: string
  words: string[]
}

/** Instruments and other parts in music, with the words that name them in English and German. */
export const instruments: Record<string, Instrument> = {
  drums: {
    player: 'drummer',
    does: 'drums',
    words: 'drum drums drummer drumming percussion percussionist schlagzeug schlagzeuger schlagzeugerin'.split(' '),
  },
  bass: { player: 'bassist', does: 'plays bass', words: 'bass bassist bassplayer bassistin'.split(' ') },
  guitar: {
    player: 'guitarist',
    does: 'plays guitar',
    words: 'guitar guitars guitarist gitarre gitarrist gitarristin'.split(' '),
  },
  vocals: {
    player: 'singer',
    does: 'sings',
    words: 'vocals vocal vocalist singer singing sings voice gesang sänger sängerin'.split(' '),
  },
  keys: {
    player: 'keyboardist',
    does: 'plays keys',
    words: 'keys piano pianist keyboard keyboards keyboardist organ organist klavier pianistin'.split(' '),
  },
  synth: { player: 'synth player', does: 'plays synths', words: 'synth synths synthesizer synthesist'.split(' ') },
  violin: {
    player: 'violinist',
    does: 'plays violin',
    words: 'violin violinist fiddle fiddler geige geiger'.split(' '),
  },
  cello: { player: 'cellist', does: 'plays cello', words: 'cello cellist cellistin'.split(' ') },
  saxophone: { player: 'saxophonist', does: 'plays saxophone', words: 'saxophone sax saxophonist saxofon'.split(' ') },
  trumpet: { player: 'trumpeter', does: 'plays trumpet', words: 'trumpet trumpeter trompete trompeter'.split(' ') },
  trombone: { player: 'trombonist', does: 'plays trombone', words: 'trombone trombonist posaune'.split(' ') },
  flute: { player: 'flautist', does: 'plays flute', words: 'flute flautist flutist flöte flötist'.split(' ') },
  clarinet: { player: 'clarinettist', does: 'plays clarinet', words: 'clarinet clarinettist klarinette'.split(' ') },
  production: {
    player: 'producer',
    does: 'produces',
    words: 'producer production produces produzent produzentin'.split(' '),
  },
  mixing: { player: 'mixing engineer', does: 'mixes', words: 'mixing mastering mixer'.split(' ') },
  lyrics: {
    player: 'lyricist',
    does: 'writes lyrics',
    words: 'lyrics lyricist songwriter songwriting texter'.split(' '),
  },
}

const byWord = new Map(Object.entries(instruments).flatMap(([name, { words }]) => words.map((word) => [word, name])))
/** What says in a clause that somebody is missing. */
const seeking =
  /\b(?:need(?:s|ed|ing)?|wanted|want(?:s)?|seek(?:s|ing)?|search(?:es|ing)?|look(?:s|ing)? (?:for|out)|lack(?:s|ing)?|missing|without|such(?:e|en|t)|gesucht|brauch(?:e|en|t)|fehl(?:t|en)|ohne)\b/i
/** What turns a clause that begins after it around. */
const clauses = /[.;!?\n()]+|\bbut\b|\baber\b/i

const namedIn = (text: string): string[] =>
  (text.toLowerCase().match(/\p{L}+/gu) ?? []).flatMap((word) => byWord.get(word) ?? [])

/** Which instruments a text says are there, and which it says are sought: each clause is the one or the other. */
export function readInstruments(text: string): { has: Set<string>; seeks: Set<string> } {
  const has = new Set<string>()
  const seeks = new Set<string>()
  for (const clause of text.split(clauses)) {
    const into = seeking.test(clause) ? seeks : has
    for (const name of namedIn(clause)) into.add(name)
  }
  return { has, seeks }
}
