import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

/** The longest rank, in characters; before it is reached a playlist is ranked anew. */
export const maxRank = 400

export const PlaylistAudioFile = defineEntity('PlaylistAudioFile', {
  description: 'A recording’s place in a playlist',
  collection: 'playlistaudiofiles',
  closed: true,
  fields: {
    playlistId: f.ref('Playlist', 'cascade'),
    audioFileId: f.ref('AudioFile', 'cascade'),
    /** The place in the list as its reader gets it, from 0; never stored. */
    order: z.int().optional(),
    createdAt: f.time(),
  },
  stored: {
    /** A fractional index: what is between two others gets a rank between theirs, and nothing else moves. */
    rank: z.string().min(1).max(maxRank),
  },
  indexes: [
    { keys: { playlistId: 1, audioFileId: 1 }, options: { unique: true }, serves: 'a recording is in a playlist once' },
    { keys: { playlistId: 1, rank: 1 }, options: { unique: true }, serves: 'a playlist in its order' },
    { keys: { audioFileId: 1 }, serves: 'the playlists that a deleted recording was in' },
  ],
})
export type PlaylistAudioFileDoc = Stored<typeof PlaylistAudioFile>
export type PlaylistAudioFileWire = Wire<typeof PlaylistAudioFile>
