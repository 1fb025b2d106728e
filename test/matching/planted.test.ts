import { afterAll, beforeAll, expect, it } from 'vitest'
import type { MusicianSketchDoc } from '../../models/MusicianSketch.ts'
import { stockCatalogue } from '../../scripts/bench/lib/catalogue.ts'
import { createWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world?.close())

it('[MAT-20] of planted pairs among 2,000 users at least 80 % are in each other’s first five', async () => {
  const { docs, pairs } = await stockCatalogue(world.database, 2_000, 100)
  const { matching } = world.instances[0]!.app!.services
  let found = 0
  for (const [a, b] of pairs) {
    const [one, two] = [docs[a]!, docs[b]!]
    const ranks = await Promise.all([one, two].map((each) => matching.rank(each as MusicianSketchDoc)))
    const top = ranks.map((rank) => rank.slice(0, 5).map(({ userId }) => userId))
    if (top[0]!.includes(two._id) && top[1]!.includes(one._id)) found++
  }
  console.log(`${found} of ${pairs.length} planted pairs found`)
  expect(found).toBeGreaterThanOrEqual(80)
})

it('[MAT-21] one user’s matches look at a bounded number of others, however many there are', async () => {
  const size = 10_000
  const { docs } = await stockCatalogue(world.database, size, 100)
  const { matching } = world.instances[0]!.app!.services
  let most = 0
  for (let run = 0; run < 30; run++) {
    const { scored, kept } = await matching.refreshFrom(docs[(run * 7_919) % size]! as MusicianSketchDoc)
    expect(scored).toBeLessThanOrEqual(150)
    expect(kept).toBeLessThanOrEqual(30)
    most = Math.max(most, scored)
  }
  // Else the bound would not be what holds it.
  expect(most).toBeGreaterThan(100)
})
