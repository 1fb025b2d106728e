import { generateKeyBetween, generateNKeysBetween } from 'fractional-indexing'
import type { mongo } from 'mongoose'
import { AudioFile, type AudioFileDoc, type AudioFileWire } from '../../../models/AudioFile.ts'
import { Playlist, type PlaylistDoc } from '../../../models/Playlist.ts'
import {
  maxRank,
  PlaylistAudioFile,
  type PlaylistAudioFileDoc,
  type PlaylistAudioFileWire,
} from '../../../models/PlaylistAudioFile.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { conflict, invalid, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import { createLanes } from '../../kernel/lanes.ts'
import { decodeCursor, encodeCursor, type Page, type PageRequest } from '../../kernel/page.ts'
import { seesAll, type Viewer } from '../../policies/audio.ts'
import { seenTarget } from '../shared/targets.ts'
import { boundedTransaction } from '../shared/transactions.ts'

/** How many recordings a playlist holds. */
export const maxTracks = 2_000

/** Where a recording goes: before what is at a position (from 0) now, or after another one; null: to the front. */
export interface TrackPlace {
  position?: number | undefined
  afterId?: string | null | undefined
}

type Seen = PlaylistAudioFileDoc & { file: AudioFileDoc }

interface TracksDeps {
  database: Database
  seen(viewer: Viewer, id: string): Promise<PlaylistDoc>
  own(actor: Actor, id: string): Promise<PlaylistDoc>
}

/**
 * The recordings of a playlist in their order. Each has a rank between those of its neighbours, so that moving one
 * writes one. Recordings that a viewer may not see are not there for them, nor counted in positions.
 */
export function createTracks({ database, seen, own }: TracksDeps) {
  const playlists = database.collection(Playlist)
  const entries = database.collection(PlaylistAudioFile)
  const lanes = createLanes()

  /** Entries with their recordings, those that the viewer sees, in order: one query. */
  const visible = (viewer: Viewer, match: object, session?: mongo.ClientSession) =>
    [
      [
        { $match: match },
        { $sort: { playlistId: 1, rank: 1 } },
        {
          $lookup: {
            from: AudioFile.spec.collection,
            localField: 'audioFileId',
            foreignField: '_id',
            pipeline: seesAll(viewer, 'AudioFile')
              ? []
              : [
                  {
                    $match: {
                      $or: [
                        { visibility: { $in: ['public', 'unlisted'] } },
                        ...(viewer ? [{ userId: viewer.userId }] : []),
                      ],
                    },
                  },
                ],
            as: 'file',
          },
        },
        { $unwind: '$file' },
      ] as object[],
      session ? { session } : {},
    ] as const

  async function read(
    viewer: Viewer,
    match: object,
    range: { skip?: number; limit: number },
    session?: mongo.ClientSession,
  ): Promise<Seen[]> {
    const [stages, options] = visible(viewer, match, session)
    return entries
      .aggregate<Seen>([...stages, ...(range.skip ? [{ $skip: range.skip }] : []), { $limit: range.limit }], options)
      .toArray()
  }

  /** The first entry of a playlist that matches, from the front or the back. */
  const edge = (match: object, from: 1 | -1, session: mongo.ClientSession) =>
    entries.find(match, { session }).sort({ rank: from }).limit(1).next() as Promise<PlaylistAudioFileDoc | null>

  /**
   * A rank at a place, within a transaction that has touched the playlist: nobody else changes its ranks meanwhile.
   * `moving` does not count as being there. Throws `invalid` for a place that is none.
   */
  async function rankAt(
    actor: Actor,
    playlistId: string,
    { position, afterId }: TrackPlace,
    session: mongo.ClientSession,
    moving?: string,
  ): Promise<string> {
    const others = { playlistId, ...(moving !== undefined && { audioFileId: { $ne: moving } }) }
    if (typeof afterId === 'string') {
      if (afterId === moving) throw invalid('A recording can’t be after itself', 'afterId')
      const before = await entries.findOne({ playlistId, audioFileId: afterId }, { session })
      if (!before) throw invalid('That recording is not in the playlist', 'afterId')
      const next = await edge({ ...others, rank: { $gt: before.rank } }, 1, session)
      return generateKeyBetween(before.rank, next?.rank ?? null)
    }
    if (afterId === null) return generateKeyBetween(null, (await edge(others, 1, session))?.rank ?? null)
    const at =
      position === undefined ? undefined : (await read(actor, others, { skip: position, limit: 1 }, session))[0]
    if (!at) return generateKeyBetween((await edge(others, -1, session))?.rank ?? null, null)
    const before = await edge({ ...others, rank: { $lt: at.rank } }, -1, session)
    return generateKeyBetween(before?.rank ?? null, at.rank)
  }

  /** How many recordings the viewer sees before a rank. */
  async function positionOf(viewer: Viewer, playlistId: string, rank: string): Promise<number> {
    const [stages] = visible(viewer, { playlistId, rank: { $lt: rank } })
    const [counted] = await entries.aggregate<{ n: number }>([...stages, { $count: 'n' }]).toArray()
    return counted?.n ?? 0
  }

  /** Changes a playlist's entries, one change at a time: each touches the playlist. Throws `not_found`. */
  const change = <T>(playlistId: string, work: (session: mongo.ClientSession) => Promise<T>): Promise<T> =>
    lanes.run(playlistId, () =>
      boundedTransaction(database, async (session) => {
        const touched = await playlists.updateOne({ _id: playlistId }, { $set: { updatedAt: new Date() } }, { session })
        if (touched.matchedCount === 0) throw notFound('Playlist')
        return work(session)
      }),
    )

  /** Gives entries, in their new order, ranks behind all present ones, so that no two ever have the same. */
  async function rankAnew(playlistId: string, ids: string[], session: mongo.ClientSession) {
    const last = await edge({ playlistId }, -1, session)
    // Short again where the last rank has grown long: that is in front of what it was cut from.
    const ranks = generateNKeysBetween(last?.rank ?? null, null, ids.length)
    await entries.bulkWrite(
      ids.map((_id, index) => ({ updateOne: { filter: { _id }, update: { $set: { rank: ranks[index]! } } } })),
      { session, ordered: true },
    )
  }

  /** A rank at a place; where it would be too long, the playlist is ranked anew first. */
  async function shortRankAt(...args: Parameters<typeof rankAt>): Promise<string> {
    const rank = await rankAt(...args)
    if (rank.length <= maxRank / 2) return rank
    const [, playlistId, , session] = args
    const all = await entries
      .find({ playlistId }, { projection: { _id: 1 }, session })
      .sort({ rank: 1 })
      .toArray()
    await rankAnew(
      playlistId,
      all.map(({ _id }) => _id),
      session,
    )
    return rankAt(...args)
  }

  const present = async (viewer: Viewer, entry: PlaylistAudioFileDoc): Promise<PlaylistAudioFileWire> =>
    PlaylistAudioFile.toWire({ ...entry, order: await positionOf(viewer, entry.playlistId, entry.rank) })

  return {
    /**
     * The recordings of a playlist that the viewer sees, in order; with `expand` the AudioFiles, too. `order` counts on
     * from page to page. Throws `not_found`.
     */
    async list(
      viewer: Viewer,
      playlistId: string,
      { limit, cursor, expand }: PageRequest & { expand?: boolean | undefined },
    ): Promise<Page<PlaylistAudioFileWire> & { audioFiles?: AudioFileWire[] }> {
      await seen(viewer, playlistId)
      const [after, passed] = decodeCursor(cursor, ['string', 'number']) ?? [null, 0]
      const found = await read(
        viewer,
        { playlistId, ...(after !== null && { rank: { $gt: after } }) },
        { limit: limit + 1 },
      )
      const shown = found.slice(0, limit)
      return {
        items: shown.map((entry, index) => PlaylistAudioFile.toWire({ ...entry, order: passed + index })),
        nextCursor: found.length > limit ? encodeCursor([shown.at(-1)!.rank, passed + shown.length]) : null,
        ...(expand && { audioFiles: shown.map(({ file }) => AudioFile.toWire(file)) }),
      }
    },

    /**
     * Adds a recording that the actor sees, at the end where no place is given. Throws `not_found`, `forbidden`,
     * `invalid`, and `conflict` where it is there already or the playlist is full.
     */
    async add(
      actor: Actor,
      playlistId: string,
      { audioFileId, ...place }: TrackPlace & { audioFileId: string },
    ): Promise<PlaylistAudioFileWire> {
      await own(actor, playlistId)
      await seenTarget(database, 'AudioFile', audioFileId, actor)
      const entry = await change(playlistId, async (session) => {
        const there = await entries.findOne({ playlistId, audioFileId }, { session, projection: { _id: 1 } })
        const held = await entries.countDocuments({ playlistId }, { session, limit: maxTracks })
        if (there) throw conflict('The recording is in the playlist already')
        if (held >= maxTracks) throw conflict(`A playlist holds at most ${maxTracks} recordings`)
        const rank = await shortRankAt(actor, playlistId, place, session)
        const doc = { _id: newId(), playlistId, audioFileId, rank, createdAt: new Date() } as PlaylistAudioFileDoc
        await entries.insertOne(doc, { session })
        return doc
      })
      // Removed while it was being added.
      const file = await database.collection(AudioFile).findOne({ _id: audioFileId }, { projection: { _id: 1 } })
      if (!file) {
        await entries.deleteOne({ _id: entry._id })
        throw notFound('AudioFile')
      }
      return present(actor, entry)
    },

    /** Moves a recording; nothing else is written. Throws `not_found`, `forbidden` and `invalid`. */
    async move(
      actor: Actor,
      playlistId: string,
      audioFileId: string,
      place: TrackPlace,
    ): Promise<PlaylistAudioFileWire> {
      await own(actor, playlistId)
      const entry = await change(playlistId, async (session) => {
        const present = await entries.findOne({ playlistId, audioFileId }, { session, projection: { _id: 1 } })
        if (!present) throw notFound('AudioFile')
        const rank = await shortRankAt(actor, playlistId, place, session, audioFileId)
        const moved = await entries.findOneAndUpdate(
          { _id: present._id },
          { $set: { rank } },
          { session, returnDocument: 'after' },
        )
        if (!moved) throw notFound('AudioFile')
        return moved as PlaylistAudioFileDoc
      })
      return present(actor, entry)
    },

    /**
     * Puts all recordings that the actor sees into the order given; others go behind them. Throws `not_found`,
     * `forbidden`, and `conflict` where these are not just those that are there.
     */
    async arrange(actor: Actor, playlistId: string, audioFileIds: string[]): Promise<void> {
      await own(actor, playlistId)
      await change(playlistId, async (session) => {
        const all = (await entries
          .find({ playlistId }, { session })
          .sort({ rank: 1 })
          .toArray()) as PlaylistAudioFileDoc[]
        const sight = await read(actor, { playlistId }, { limit: maxTracks }, session)
        const idOf = new Map(sight.map(({ audioFileId, _id }) => [audioFileId, _id]))
        const isSame = audioFileIds.length === idOf.size && audioFileIds.every((id) => idOf.has(id))
        if (!isSame || new Set(audioFileIds).size !== audioFileIds.length) {
          throw conflict('The playlist holds other recordings than these; read it again')
        }
        const hidden = all.filter(({ audioFileId }) => !idOf.has(audioFileId)).map(({ _id }) => _id)
        if (all.length > 0) {
          await rankAnew(playlistId, [...audioFileIds.map((id) => idOf.get(id)!), ...hidden], session)
        }
      })
    },

    /** Takes a recording out. Throws `not_found` and `forbidden`. */
    async remove(actor: Actor, playlistId: string, audioFileId: string): Promise<void> {
      await own(actor, playlistId)
      await change(playlistId, async (session) => {
        const { deletedCount } = await entries.deleteOne({ playlistId, audioFileId }, { session })
        if (deletedCount === 0) throw notFound('AudioFile')
      })
    },
  }
}
