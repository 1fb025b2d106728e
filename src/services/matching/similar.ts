import { AudioFile, type AudioFileDoc, type AudioFileWire } from '../../../models/AudioFile.ts'
import { AudioFileTag } from '../../../models/AudioFileTag.ts'
import { Catalogue } from '../../../models/Catalogue.ts'
import type { Database } from '../../infra/mongo.ts'
import { notFound } from '../../kernel/errors.ts'
import { groupBy } from '../../kernel/group.ts'
import { seeAudio, type Viewer } from '../../policies/audio.ts'
import { blockedEitherWay, personsAmong } from '../shared/persons.ts'
import { tellReasons } from '../shared/reasons.ts'
import { likenessOf } from './facets.ts'
import { spreadOf } from './features.ts'
import { catalogueId } from './hearing.ts'
import { type Ground, type Sketch, scorePair } from './score.ts'
import { sumUp } from './sketch.ts'

/** How many recordings are looked at for one, and scored. */
const maxLooked = 2_000
const maxScored = 300
const maxOfTag = 200

export interface Similar {
  items: AudioFileWire[]
  /** How like each of the items is, in their order, and why. */
  scores: { audioFileId: string; score: number; reasons: string[] }[]
  nextCursor: null
}

/** Recordings that sound alike, or have tags in common. */
export function createSimilar({
  database,
  presentAll,
}: {
  database: Database
  presentAll(files: AudioFileDoc[]): Promise<AudioFileWire[]>
}) {
  const files = database.collection(AudioFile)
  const links = database.collection(AudioFileTag)

  return {
    /** The public recordings most like one that the viewer sees, best first. Throws `not_found`. */
    async to(viewer: Viewer, audioFileId: string, limit: number): Promise<Similar> {
      const file = (await files.findOne({ _id: audioFileId })) as AudioFileDoc | null
      if (!file || !seeAudio(viewer, file)) throw notFound('Audio file')
      const ownTags = (await links.find({ audioFileId }).limit(100).toArray()).map(({ tagId }) => tagId)
      const counts = new Map<string, number>()
      const byTag = new Set<string>()
      for (const tagId of ownTags) {
        const found = await links.find({ tagId }).sort({ audioFileId: -1 }).limit(maxOfTag).toArray()
        counts.set(tagId, found.length)
        for (const link of found) byTag.add(link.audioFileId)
      }
      const facets = file.sound ? likenessOf(sketchOf(file, [])) : []
      const [alike, tagged] = await Promise.all([
        facets.length === 0
          ? []
          : files
              .aggregate<AudioFileDoc>(
                [
                  { $match: { 'sound.facets': { $in: facets }, visibility: 'public', _id: { $ne: audioFileId } } },
                  { $limit: maxLooked },
                  { $set: { common: { $size: { $setIntersection: ['$sound.facets', facets] } } } },
                  { $sort: { common: -1, _id: -1 } },
                  { $limit: maxScored },
                  { $project: { common: 0 } },
                ],
                { maxTimeMS: 5_000 },
              )
              .toArray(),
        files
          .find({ _id: { $in: [...byTag].filter((id) => id !== audioFileId) }, visibility: 'public' })
          .sort({ _id: -1 })
          .limit(maxScored)
          .toArray() as Promise<AudioFileDoc[]>,
      ])
      const others = [...new Map([...alike, ...tagged].map((each) => [each._id, each])).values()]
      const owners = [...new Set(others.map(({ userId }) => userId))]
      const [sums, allLinks, apart, persons] = await Promise.all([
        database.collection(Catalogue).findOne({ _id: catalogueId }),
        links.find({ audioFileId: { $in: others.map(({ _id }) => _id) } }).toArray(),
        viewer ? blockedEitherWay(database, viewer.userId, owners) : new Set<string>(),
        personsAmong(database, owners),
      ])
      const tagsOf = groupBy(allLinks, (link) => link.audioFileId)
      const ground: Ground = {
        spread: spreadOf(sums),
        users: Math.max(1_000, others.length),
        usersWith: (tagId) => counts.get(tagId) ?? 1,
      }
      const own = sketchOf(file, ownTags)
      const ranked = others
        .filter(({ userId }) => !apart.has(userId) && persons.has(userId))
        .map((other) => {
          const tagIds = (tagsOf.get(other._id) ?? []).map(({ tagId }) => tagId)
          const { score, reasons } = scorePair(own, sketchOf(other, tagIds), ground)
          const { tags, ...told } = reasons
          const lines = tellReasons(told, 'first')
          if (tags) lines.push(`${tags.length} tag${tags.length > 1 ? 's' : ''} in common`)
          return { other, score, lines }
        })
        .sort((x, y) => y.score - x.score || (x.other._id < y.other._id ? 1 : -1))
        .slice(0, limit)
      return {
        items: await presentAll(ranked.map(({ other }) => other)),
        scores: ranked.map(({ other, score, lines }) => ({ audioFileId: other._id, score, reasons: lines })),
        nextCursor: null,
      }
    },
  }
}

/** A recording as a musician of that one recording; it is what it is, so all that is known of it is believed. */
function sketchOf({ sound }: Pick<AudioFileDoc, 'sound'>, tagIds: string[]): Sketch {
  return {
    ...sumUp(sound ? [sound] : []),
    heard: sound ? 1_000 : 0,
    tags: tagIds.map((name) => ({ name, count: 1 })),
    plays: [],
    needs: [],
  }
}

export type SimilarRecordings = ReturnType<typeof createSimilar>
