import type mongoose from 'mongoose'
import { newId } from '../../../src/kernel/ids.ts'
import { facetsOf } from '../../../src/services/matching/facets.ts'
import { features } from '../../../src/services/matching/features.ts'
import type { Sketch } from '../../../src/services/matching/score.ts'
import { createRandom } from '../../shared/random.ts'

const parts = ['drums', 'bass', 'guitar', 'vocals', 'keys', 'synth', 'violin', 'production']

/**
 * Musicians with tags by a power law and sounds by chance; the first `plants` of them have a twin each behind them, who
 * is like them but for noise: features off by a fifth of a deviation, another octave of the tempo, a key a fifth off, and
 * two thirds of the tags.
 */
function createCatalogue(users: number, plants: number, seed = 7) {
  const random = createRandom(seed).next
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const below = (count: number) => Math.floor(random() * count)
  const oneTag = () => `tag${Math.floor(400 * random() ** 3)}`
  const stranger = (): Sketch => {
    const names = new Set(Array.from({ length: 6 }, oneTag))
    return {
      heard: 3 + below(10),
      features: features.map(() => normal() * 0.9),
      tempos: [{ bpm: 60 * 2 ** (random() * 1.6), weight: 1 }],
      keys: [{ key: below(24), weight: 1 }],
      tags: [...names].map((name) => ({ name, count: 1 + below(4) })),
      plays: random() < 0.6 ? [parts[below(parts.length)]!] : [],
      needs: random() < 0.15 ? [parts[below(parts.length)]!] : [],
    }
  }
  const twin = (of: Sketch): Sketch => ({
    ...of,
    heard: 3 + below(10),
    features: of.features.map((value) => value! + normal() * 0.2),
    tempos: of.tempos.map(({ bpm }) => ({ bpm: bpm * (random() < 0.3 ? 2 : 1) * 2 ** (normal() * 0.02), weight: 1 })),
    keys: of.keys.map(({ key }) => ({
      key: random() < 0.3 ? (((key % 12) + 7) % 12) + (key >= 12 ? 12 : 0) : key,
      weight: 1,
    })),
    tags: [...of.tags.slice(0, Math.ceil((of.tags.length * 2) / 3)), { name: oneTag(), count: 1 }].filter(
      (tag, at, all) => all.findIndex(({ name }) => name === tag.name) === at,
    ),
  })
  const sketches: Sketch[] = []
  const pairs: [number, number][] = []
  while (sketches.length < users) {
    const one = stranger()
    sketches.push(one)
    if (pairs.length < plants && sketches.length < users) {
      pairs.push([sketches.length - 1, sketches.length])
      sketches.push(twin(one))
    }
  }
  const docs = sketches.map((sketch) => ({
    _id: newId(),
    ...sketch,
    facets: [...new Set(facetsOf(sketch))],
    updatedAt: new Date(),
  }))
  const counts = new Map<string, number>()
  for (const doc of docs) for (const facet of doc.facets) counts.set(facet, (counts.get(facet) ?? 0) + 1)
  const sums = (of: (value: number) => number) =>
    features.map((_, at) => docs.reduce((sum, doc) => sum + of(doc.features[at]!), 0))
  return {
    docs,
    pairs,
    facets: [...counts].map(([_id, count]) => ({ _id, users: count })),
    catalogue: { _id: 'catalogue', users, counts: sums(() => 1), sums: sums((x) => x), squares: sums((x) => x * x) },
  }
}

/** Makes a database hold the users of such a catalogue, and their sketches as they are given. */
export async function stockCatalogue(database: mongoose.Connection, users: number, plants: number) {
  const made = createCatalogue(users, plants)
  const createdAt = new Date()
  for (const name of ['users', 'profiles', 'musiciansketches', 'sketchfacets', 'catalogues', 'matches']) {
    await database.collection(name).deleteMany({})
  }
  const insert = async (name: string, docs: object[]) => {
    for (let from = 0; from < docs.length; from += 5_000) {
      await database.collection(name).insertMany(docs.slice(from, from + 5_000) as never, { ordered: false })
    }
  }
  const people = made.docs.map(({ _id }) => {
    const email = `${_id}@x.test`
    return { _id, email, emailKey: email, role: 'user', bannedAt: null, createdAt }
  })
  await insert('users', people)
  await insert('musiciansketches', made.docs)
  await insert('sketchfacets', made.facets)
  await insert('catalogues', [made.catalogue])
  return made
}
