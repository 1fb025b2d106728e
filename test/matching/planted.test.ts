import { afterAll, beforeAll, expect, it } from 'vitest'
import type { MusicianSketchDoc } from '../../models/MusicianSketch.ts'
import { createWorld, type World } from '../support/world.ts'
import { createCatalogue } from './catalogue.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world?.close())

/** Users with their profiles, whose sketches are as given: what the profile says has the sketch made anew. */
async function stock(size: number, plants: number) {
  const made = createCatalogue(size, plants)
  const db = world.database
  const at = new Date()
  for (const name of ['users', 'profiles', 'musiciansketches', 'sketchfacets', 'catalogues', 'matches']) {
    await db.collection(name).deleteMany({})
  }
  const insert = async (name: string, docs: object[]) => {
    for (let from = 0; from < docs.length; from += 5_000) {
      await db.collection(name).insertMany(docs.slice(from, from + 5_000) as never, { ordered: false })
    }
  }
  await insert(
    'users',
    made.docs.map(({ _id }) => ({
      _id,
      email: `${_id}@x.test`,
      emailKey: `${_id}@x.test`,
      role: 'user',
      bannedAt: null,
      createdAt: at,
    })),
  )
  await insert('musiciansketches', made.docs)
  await insert('sketchfacets', made.facets)
  await insert('catalogues', [made.catalogue])
  return made
}

it('[MAT-20] of planted pairs among 2,000 users at least 80 % are in each other’s first five', async () => {
  const { docs, pairs } = await stock(2_000, 100)
  const { matching } = world.instances[0]!.app!.services
  let found = 0
  for (const [a, b] of pairs) {
    const [one, two] = [docs[a]!, docs[b]!]
    const ranks = [await matching.rank(one as MusicianSketchDoc), await matching.rank(two as MusicianSketchDoc)]
    const top = ranks.map((rank) => rank.slice(0, 5).map(({ userId }) => userId))
    if (top[0]!.includes(two._id) && top[1]!.includes(one._id)) found++
  }
  console.log(`${found} of ${pairs.length} planted pairs found`)
  expect(found).toBeGreaterThanOrEqual(80)
}, 60_000)

const sizes = (process.env['MATCHING_SIZES'] ?? '10000').split(',').map(Number)
it('[MAT-21] one user’s matches look at a bounded number of others, however many there are', async () => {
  for (const size of sizes) {
    const { docs } = await stock(size, 100)
    const { matching } = world.instances[0]!.app!.services
    const times: number[] = []
    for (let run = 0; run < 60; run++) {
      const doc = docs[(run * 7_919) % size]! as MusicianSketchDoc
      const begun = performance.now()
      const { scored, kept } = await matching.refreshFrom(doc)
      expect(scored).toBeLessThanOrEqual(150)
      expect(kept).toBeLessThanOrEqual(30)
      if (run >= 10) times.push(performance.now() - begun)
    }
    times.sort((x, y) => x - y)
    const [median, p95] = [times[25]!, times[47]!]
    console.log(`${size} users: ${median.toFixed(1)} ms median, ${p95.toFixed(1)} ms p95`)
  }
}, 120_000)
