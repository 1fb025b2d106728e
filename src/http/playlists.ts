import { z } from 'zod'
import { AudioFile } from '../../models/AudioFile.ts'
import { Playlist } from '../../models/Playlist.ts'
import { PlaylistAudioFile } from '../../models/PlaylistAudioFile.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import type { OwnerRule } from '../kernel/route.ts'
import { maxTracks } from '../services/playlists/tracks.ts'
import { defineRoute } from './define.ts'
import { flag, listOf, listQuery } from './lists.ts'

const tag = 'Playlists'
const params = z.object({ id: f.id() })
const entryParams = z.object({ id: f.id(), audioFileId: f.ref('AudioFile') })
const { name, description } = Playlist.spec.fields
const rule = (action: 'read' | 'moderate' | 'delete', others: OwnerRule['others'] = 'forbidden'): OwnerRule => ({
  owner: 'the owner of the playlist; a public one is everybody’s to see',
  others,
  permission: { action, resource: 'Playlist' },
})

const list = defineRoute({
  method: 'get',
  path: '/api/v1/playlists',
  tag,
  summary: 'Public playlists and one’s own, or those of one owner, newest first',
  auth: 'optional',
  scope: 'audio:read',
  rate: rates.read,
  query: listQuery({ ownerId: f.ref('User').optional() }),
  status: 200,
  answer: listOf(Playlist.wire),
  handle: ({ actor, services }, { query }) => services.playlists.list(actor, query),
})

const create = defineRoute({
  method: 'post',
  path: '/api/v1/playlists',
  tag,
  summary: 'Makes a playlist',
  auth: 'user',
  rate: rates.write,
  body: z.object({ name, description, isPublic: z.boolean().optional() }),
  example: { name: 'Slow mornings', description: 'For coffee', isPublic: true },
  status: 201,
  answer: Playlist.wire,
  errors: ['conflict'],
  handle: ({ actor, services }, { body }) => services.playlists.create(actor, body),
})

const get = defineRoute({
  method: 'get',
  path: '/api/v1/playlists/{id}',
  tag,
  summary: 'A playlist',
  auth: 'optional',
  scope: 'audio:read',
  access: rule('read', 'not_found'),
  rate: rates.read,
  params,
  status: 200,
  answer: Playlist.wire,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.playlists.get(actor, params.id),
})

const update = defineRoute({
  method: 'patch',
  path: '/api/v1/playlists/{id}',
  tag,
  summary: 'Changes the fields given; null takes the description away',
  auth: 'user',
  access: rule('moderate'),
  rate: rates.write,
  params,
  body: z.object({
    name: name.optional(),
    description: description.unwrap().nullable().optional(),
    isPublic: z.boolean().optional(),
  }),
  example: { name: 'Slow evenings', isPublic: false },
  status: 200,
  answer: Playlist.wire,
  errors: ['not_found'],
  handle: ({ actor, services }, { params, body }) => services.playlists.update(actor, params.id, body),
})

const remove = defineRoute({
  method: 'delete',
  path: '/api/v1/playlists/{id}',
  tag,
  summary: 'Removes a playlist; the recordings stay',
  auth: 'user',
  access: rule('delete'),
  rate: rates.write,
  params,
  status: 204,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.playlists.remove(actor, params.id),
})

const place = {
  position: z.int().min(0).max(maxTracks).optional().describe('Before what is at this place now, from 0'),
  afterId: f
    .ref('AudioFile')
    .nullable()
    .optional()
    .describe('After this recording; null: to the front. Goes before position'),
}

const tracks = defineRoute({
  method: 'get',
  path: '/api/v1/playlists/{id}/audio-files',
  tag,
  summary: 'The recordings of a playlist in their order, those that one sees',
  auth: 'optional',
  scope: 'audio:read',
  access: rule('read', 'not_found'),
  rate: rates.read,
  params,
  query: listQuery({ expand: flag().describe('Also gives the AudioFiles') }),
  status: 200,
  answer: listOf(PlaylistAudioFile.wire).extend({ audioFiles: z.array(AudioFile.wire).optional() }),
  errors: ['not_found'],
  handle: ({ actor, services }, { params, query }) => services.playlists.tracks.list(actor, params.id, query),
})

const add = defineRoute({
  method: 'post',
  path: '/api/v1/playlists/{id}/audio-files',
  tag,
  summary: 'Adds a recording, at the end where no place is given',
  auth: 'user',
  access: rule('moderate'),
  rate: rates.write,
  params,
  body: z.object({ audioFileId: f.ref('AudioFile'), ...place }),
  example: { audioFileId: '01HYN91QZAYVNNRH53SJ1KMBCY', position: 0 },
  status: 201,
  answer: PlaylistAudioFile.wire,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { params, body }) => services.playlists.tracks.add(actor, params.id, body),
})

const arrange = defineRoute({
  method: 'put',
  path: '/api/v1/playlists/{id}/audio-files',
  tag,
  summary: 'Puts all recordings of a playlist into this order',
  auth: 'user',
  access: rule('moderate'),
  rate: rates.write,
  params,
  body: z.object({ audioFileIds: z.array(f.ref('AudioFile')).max(maxTracks) }),
  example: { audioFileIds: ['01HYN91QZAYVNNRH53SJ1KMBCY'] },
  status: 204,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { params, body }) =>
    services.playlists.tracks.arrange(actor, params.id, body.audioFileIds),
})

const move = defineRoute({
  method: 'patch',
  path: '/api/v1/playlists/{id}/audio-files/{audioFileId}',
  tag,
  summary: 'Moves a recording, to the end where no place is given',
  auth: 'user',
  access: rule('moderate'),
  rate: rates.write,
  params: entryParams,
  body: z.object(place),
  example: { position: 0 },
  status: 200,
  answer: PlaylistAudioFile.wire,
  errors: ['not_found'],
  handle: ({ actor, services }, { params, body }) =>
    services.playlists.tracks.move(actor, params.id, params.audioFileId, body),
})

const takeOut = defineRoute({
  method: 'delete',
  path: '/api/v1/playlists/{id}/audio-files/{audioFileId}',
  tag,
  summary: 'Takes a recording out of a playlist',
  auth: 'user',
  access: rule('moderate'),
  rate: rates.write,
  params: entryParams,
  status: 204,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.playlists.tracks.remove(actor, params.id, params.audioFileId),
})

export const playlistRoutes = [list, create, get, update, remove, tracks, add, arrange, move, takeOut]
