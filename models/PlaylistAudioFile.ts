import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const PlaylistAudioFile = defineEntity('PlaylistAudioFile', {
  description: 'A recording’s place in a playlist',
  collection: 'playlistaudiofiles',
  closed: true,
  fields: {
    playlistId: f.ref('Playlist', 'cascade'),
    audioFileId: f.ref('AudioFile', 'cascade'),
    order: z.int().optional(),
    createdAt: f.time(),
  },
  indexes: [
    { keys: { playlistId: 1, audioFileId: 1 }, options: { unique: true }, serves: 'a recording is in a playlist once' },
    { keys: { playlistId: 1, order: 1, _id: 1 }, serves: 'a playlist in its order' },
    { keys: { audioFileId: 1 }, serves: 'the playlists that a deleted recording was in' },
  ],
})
export type PlaylistAudioFileDoc = Stored<typeof PlaylistAudioFile>
export type PlaylistAudioFileWire = Wire<typeof PlaylistAudioFile>
