import { Playlist, type PlaylistDoc, type PlaylistWire } from '../../../models/Playlist.ts'
import type { Database } from '../../infra/mongo.ts'
import { type Actor, permits } from '../../kernel/actor.ts'
import { conflict, forbidden, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import { seesAll, type Viewer } from '../../policies/audio.ts'
import type { Deletion } from '../deletion.ts'
import { pageById } from '../shared/pages.ts'
import { toUpdate } from '../shared/patches.ts'
import { createTracks } from './tracks.ts'

/** How many playlists one user can have. */
const maxPlaylists = 1_000

export interface PlaylistInput {
  name: string
  description?: string | undefined
  isPublic?: boolean | undefined
}
export interface PlaylistPatch {
  name?: string | undefined
  description?: string | null | undefined
  isPublic?: boolean | undefined
}

/** Playlists: their owner's to change, everybody's to see where they are public. */
export function createPlaylists({ database, deletion }: { database: Database; deletion: Pick<Deletion, 'delete'> }) {
  const playlists = database.collection(Playlist)

  /** A playlist that the viewer sees. Throws `not_found`. */
  async function seen(viewer: Viewer, id: string): Promise<PlaylistDoc> {
    const playlist = (await playlists.findOne({ _id: id })) as PlaylistDoc | null
    if (!playlist) throw notFound('Playlist')
    if (!playlist.isPublic && playlist.ownerId !== viewer?.userId && !seesAll(viewer, 'Playlist')) {
      throw notFound('Playlist')
    }
    return playlist
  }

  /** One that the actor may change, or with `action` delete. Throws `not_found` and `forbidden`. */
  async function own(actor: Actor, id: string, action: 'moderate' | 'delete' = 'moderate'): Promise<PlaylistDoc> {
    const playlist = await seen(actor, id)
    if (playlist.ownerId !== actor.userId && !permits(actor, { action, resource: 'Playlist' })) {
      throw forbidden('The playlist is somebody else’s')
    }
    return playlist
  }

  return {
    tracks: createTracks({ database, seen, own }),

    async create(actor: Actor, { name, description, isPublic = true }: PlaylistInput): Promise<PlaylistWire> {
      const held = await playlists.countDocuments({ ownerId: actor.userId }, { limit: maxPlaylists })
      if (held >= maxPlaylists) throw conflict(`Nobody can have more than ${maxPlaylists} playlists`)
      const playlist: PlaylistDoc = {
        _id: newId(),
        ownerId: actor.userId,
        name: name.trim(),
        ...(description !== undefined && { description }),
        isPublic,
        createdAt: new Date(),
        updatedAt: null,
      }
      await playlists.insertOne(playlist)
      return Playlist.toWire(playlist)
    },

    /** Throws `not_found`. */
    get: async (viewer: Viewer, id: string): Promise<PlaylistWire> => Playlist.toWire(await seen(viewer, id)),

    /** Playlists that the viewer sees, newest first: public ones and their own, or those of one owner. */
    async list(
      viewer: Viewer,
      { ownerId, limit, cursor }: PageRequest & { ownerId?: string | undefined },
    ): Promise<Page<PlaylistWire>> {
      const all = seesAll(viewer, 'Playlist')
      const filter =
        ownerId !== undefined
          ? { ownerId, ...(ownerId !== viewer?.userId && !all && { isPublic: true }) }
          : all
            ? {}
            : viewer
              ? { $or: [{ isPublic: true }, { ownerId: viewer.userId }] }
              : { isPublic: true }
      return pageById(playlists, filter, { limit, cursor }, (playlist) => Playlist.toWire(playlist))
    },

    /** Changes the fields given; null takes the description away. Throws `not_found` and `forbidden`. */
    async update(actor: Actor, id: string, { name, description, isPublic }: PlaylistPatch): Promise<PlaylistWire> {
      await own(actor, id)
      const changed = await playlists.findOneAndUpdate(
        { _id: id },
        toUpdate({ name: name?.trim(), description, isPublic }),
        { returnDocument: 'after' },
      )
      if (!changed) throw notFound('Playlist')
      return Playlist.toWire(changed)
    },

    /** Removes a playlist with all that points to it. Throws `not_found` and `forbidden`. */
    async remove(actor: Actor, id: string): Promise<void> {
      await own(actor, id, 'delete')
      // Whoever adds to it does so in a transaction that touches it; the others look once more after they wrote.
      await deletion.delete(Playlist, id)
    },
  }
}

export type Playlists = ReturnType<typeof createPlaylists>
