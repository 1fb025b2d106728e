import type { mongo } from 'mongoose'
import { Catalogue } from '../../../models/Catalogue.ts'
import { MusicianSketch, type MusicianSketchDoc, maxSketchFacets } from '../../../models/MusicianSketch.ts'
import { SketchFacet } from '../../../models/SketchFacet.ts'
import type { Database } from '../../infra/mongo.ts'
import { createLanes } from '../../kernel/lanes.ts'
import { personsAmong } from '../shared/persons.ts'
import { boundedTransaction } from '../shared/transactions.ts'
import { facetsOf, soughtBy, tagFacets } from './facets.ts'
import { type Spread, spreadOf } from './features.ts'
import { catalogueId } from './hearing.ts'
import type { Ground, Sketch } from './score.ts'
import { readSketch } from './sketch.ts'

/** How many sketches are looked at for one user, and how many of them are scored. */
const maxLooked = 1_000
const maxScored = 150
/** How old the catalogue's spread may be, in milliseconds. */
const spreadMs = 5_000

const content = ({ heard, features, tempos, keys, tags, plays, needs }: Sketch) =>
  JSON.stringify([heard, features, tempos, keys, tags, plays, needs])

/** Sketches of musicians as they are stored, with how many have each facet. */
export function createSketches({ database }: { database: Database }) {
  const sketches = database.collection(MusicianSketch)
  const facets = database.collection(SketchFacet)
  const lanes = createLanes()
  let spread: { users: number; spread: Spread; at: number } | undefined

  /** Counts sketches that have or had facets. */
  async function count(changes: Map<string, number>, users: number, session: mongo.ClientSession): Promise<void> {
    const writes = [...changes]
      .filter(([, by]) => by !== 0)
      // In one order everywhere: of two that meet, one waits and doesn't start over.
      .sort(([x], [y]) => (x < y ? -1 : 1))
      .map(([_id, by]) => ({ updateOne: { filter: { _id }, update: { $inc: { users: by } }, upsert: true } }))
    if (writes.length > 0) await facets.bulkWrite(writes as never, { session })
    if (users !== 0) {
      await database.collection(Catalogue).updateOne({ _id: catalogueId }, { $inc: { users } } as never, { session })
    }
  }

  async function spreadNow() {
    if (!spread || performance.now() - spread.at > spreadMs) {
      const sums = await database.collection(Catalogue).findOne({ _id: catalogueId })
      spread = { users: sums?.users ?? 0, spread: spreadOf(sums), at: performance.now() }
    }
    return spread
  }

  const isPerson = async (userId: string) => (await personsAmong(database, [userId])).has(userId)

  const countsOf = async (ids: string[]) =>
    new Map((await facets.find({ _id: { $in: ids } }).toArray()).map(({ _id, users }) => [_id, users]))

  return {
    /** Takes sketches out of the counts that are deleted. */
    async uncount(docs: MusicianSketchDoc[], session: mongo.ClientSession): Promise<void> {
      const changes = new Map<string, number>()
      for (const doc of docs) for (const facet of doc.facets) changes.set(facet, (changes.get(facet) ?? 0) - 1)
      await count(changes, -docs.length, session)
    },

    /**
     * Makes a user's sketch anew from what there is. Returns it; null for those who are not matched: bots, banned and
     * closed accounts.
     */
    renew: (userId: string): Promise<MusicianSketchDoc | null> =>
      lanes.run(userId, async () => {
        const before = (await sketches.findOne({ _id: userId })) as MusicianSketchDoc | null
        const read = (await isPerson(userId)) ? await readSketch(database, userId) : null
        if (read && before && content(read) === content(before)) return before
        if (!read && !before) return null
        const after = read && {
          _id: userId,
          ...read,
          facets: [...new Set(facetsOf(read))].slice(0, maxSketchFacets),
          updatedAt: new Date(),
        }
        const store = (doc: MusicianSketchDoc | null) =>
          boundedTransaction(database, async (session) => {
            const old = await sketches.findOne({ _id: userId }, { session })
            const changes = new Map<string, number>()
            for (const facet of old?.facets ?? []) changes.set(facet, -1)
            for (const facet of doc?.facets ?? []) changes.set(facet, (changes.get(facet) ?? 0) + 1)
            if (doc) await sketches.replaceOne({ _id: userId }, doc as never, { session, upsert: true })
            else await sketches.deleteOne({ _id: userId }, { session })
            await count(changes, (doc ? 1 : 0) - (old ? 1 : 0), session)
          })
        await store(after)
        // Closed meanwhile: whoever did that looked for a sketch before this one was there.
        if (!after || (await isPerson(userId))) return after
        await store(null)
        return null
      }),

    /** Sketches of some users. */
    of: (userIds: string[]): Promise<MusicianSketchDoc[]> =>
      sketches.find({ _id: { $in: userIds } }).toArray() as Promise<MusicianSketchDoc[]>,

    /** Who may suit: those who share the most of its rarest facets, as many as fit a fixed effort. */
    async candidates(sketch: MusicianSketchDoc): Promise<MusicianSketchDoc[]> {
      const counts = await countsOf(soughtBy(sketch))
      const rare = [...counts].filter(([, users]) => users > 0).sort((x, y) => x[1] - y[1])
      const chosen: string[] = []
      let looked = 0
      for (const [facet, users] of rare) {
        looked += users
        if (looked > maxLooked && chosen.length > 0) break
        chosen.push(facet)
      }
      if (chosen.length === 0) return []
      return sketches
        .aggregate<MusicianSketchDoc>(
          [
            { $match: { facets: { $in: chosen }, _id: { $ne: sketch._id } } },
            { $limit: 2 * maxLooked },
            { $set: { common: { $size: { $setIntersection: ['$facets', chosen] } } } },
            { $sort: { common: -1, _id: 1 } },
            { $limit: maxScored },
            { $project: { facets: 0, common: 0 } },
          ],
          { maxTimeMS: 5_000 },
        )
        .toArray()
    },

    /** What these are scored against. */
    async ground(all: Pick<Sketch, 'tags'>[]): Promise<Ground> {
      const { users, spread } = await spreadNow()
      const names = new Set(all.flatMap(({ tags }) => tags.map(({ name }) => name)))
      const counts = await countsOf(tagFacets([...names].map((name) => ({ name }))))
      return { users, spread, usersWith: (tag) => Math.max(0, counts.get(`t:${tag}`) ?? 0) }
    },
  }
}
