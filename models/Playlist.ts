import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const Playlist = defineEntity('Playlist', {
  description: 'An ordered choice of recordings',
  collection: 'playlists',
  closed: true,
  fields: {
    id: f.id(),
    ownerId: f.ref('User', 'cascade'),
    name: f.name(100),
    description: f.text(0, 2_000).optional(),
    isPublic: z.boolean().default(true),
    createdAt: f.time(),
    updatedAt: f.time().nullable().default(null),
  },
  indexes: [
    { keys: { ownerId: 1, _id: -1 }, serves: 'the playlists of a user, newest first' },
    { keys: { isPublic: 1, _id: -1 }, serves: 'public playlists, newest first' },
  ],
})
export type PlaylistDoc = Stored<typeof Playlist>
export type PlaylistWire = Wire<typeof Playlist>
