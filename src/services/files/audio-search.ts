import type { z } from 'zod'
import { AudioFile, type AudioFileDoc, type AudioVisibility } from '../../../models/AudioFile.ts'
import { AudioFileTag } from '../../../models/AudioFileTag.ts'
import type { Database } from '../../infra/mongo.ts'
import { invalid } from '../../kernel/errors.ts'
import type { Viewer } from '../../policies/audio.ts'
import { parseKey } from '../shared/harmony.ts'

type Visibility = z.infer<typeof AudioVisibility>

export interface AudioFileFilter {
  userId?: string | undefined
  visibility?: Visibility | undefined
  tag?: string | undefined
  q?: string | undefined
  /** Beats a minute. */
  tempoMin?: number | undefined
  tempoMax?: number | undefined
  /** As `C#m`. */
  key?: string | undefined
  /** LUFS. */
  loudnessMin?: number | undefined
  loudnessMax?: number | undefined
}

/** Finds recordings by who made them, words, tag and sound. */
export function createAudioSearch(database: Database) {
  const files = database.collection(AudioFile)

  /**
   * Newest first, those older than the id `after`: everybody's public ones, or all of the viewer's own where the filter
   * names the viewer. Throws `invalid` for a key that is none.
   */
  async function find(
    viewer: Viewer,
    filter: AudioFileFilter,
    after: string | undefined,
    limit: number,
  ): Promise<AudioFileDoc[]> {
    const own = filter.userId !== undefined && filter.userId === viewer?.userId
    const asked = filter.visibility
    if (!own && asked !== undefined && asked !== 'public') return []
    const match = {
      ...(filter.userId && { userId: filter.userId }),
      ...(own ? asked && { visibility: asked } : { visibility: 'public' as const }),
      ...soundMatch(filter),
      ...(filter.q && { $text: { $search: plainWords(filter.q) } }),
    }
    const older = after === undefined ? {} : { _id: { $lt: after } }
    if (filter.tag !== undefined) {
      return filter.q
        ? await saidAndTagged(filter.tag, { ...match, ...older }, limit)
        : await tagged(filter.tag, match, after, limit)
    }
    return files
      .find({ ...match, ...older } as never, { maxTimeMS: 5_000 })
      .sort({ _id: -1 })
      .limit(limit)
      .toArray()
  }

  /** Files with a tag in the order of their ids, a page of them. */
  function tagged(tagId: string, match: object, after: string | undefined, limit: number): Promise<AudioFileDoc[]> {
    return database
      .collection(AudioFileTag)
      .aggregate<AudioFileDoc>(
        [
          { $match: { tagId, ...(after !== undefined && { audioFileId: { $lt: after } }) } },
          { $sort: { audioFileId: -1 } },
          { $lookup: { from: AudioFile.spec.collection, localField: 'audioFileId', foreignField: '_id', as: 'file' } },
          { $replaceWith: { $first: '$file' } },
          { $match: match },
          { $limit: limit },
        ],
        { maxTimeMS: 5_000 },
      )
      .toArray()
  }

  /** The same of files with words, which MongoDB looks for before all else. */
  function saidAndTagged(tagId: string, match: object, limit: number): Promise<AudioFileDoc[]> {
    const ofTag = [{ $match: { tagId } }, { $limit: 1 }]
    return files
      .aggregate<AudioFileDoc>(
        [
          { $match: match },
          { $sort: { _id: -1 } },
          {
            $lookup: {
              from: AudioFileTag.spec.collection,
              localField: '_id',
              foreignField: 'audioFileId',
              pipeline: ofTag,
              as: 'tagged',
            },
          },
          { $match: { 'tagged.0': { $exists: true } } },
          { $limit: limit },
          { $unset: 'tagged' },
        ],
        { maxTimeMS: 5_000 },
      )
      .toArray()
  }

  return { find }
}

/** What of a filter is about the sound. Throws `invalid` for a key that is none. */
function soundMatch({ tempoMin, tempoMax, key, loudnessMin, loudnessMax }: AudioFileFilter): object {
  const between = (field: string, low: number | undefined, high: number | undefined) =>
    (low !== undefined || high !== undefined) && {
      [field]: { ...(low !== undefined && { $gte: low }), ...(high !== undefined && { $lte: high }) },
    }
  const tonality = key === undefined ? undefined : parseKey(key)
  if (key !== undefined && tonality === undefined) throw invalid('is not a key such as C#m', 'key')
  return {
    ...between('sound.tempo', tempoMin, tempoMax),
    ...between('sound.loudness', loudnessMin, loudnessMax),
    ...(tonality !== undefined && { 'sound.key': tonality }),
  }
}

/** Words without what MongoDB reads as operators: quotes and leading minus signs. */
const plainWords = (text: string): string =>
  text
    .split(/[\s"]+/)
    .map((word) => word.replace(/^-+/, ''))
    .filter(Boolean)
    .join(' ')
