import { z } from 'zod'
import { AudioFile, AudioVisibility, maxAudioTags } from '../../models/AudioFile.ts'
import { ChatMessage } from '../../models/ChatMessage.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { parseInput } from '../kernel/validate.ts'
import { audioMediaTypes } from '../services/files/sniff.ts'
import { parseKey } from '../services/shared/harmony.ts'
import { defineRoute } from './define.ts'
import { listOf, listQuery } from './lists.ts'
import { formOf, readMultipart } from './multipart.ts'
import { attachment, serveContent } from './ranges.ts'

const tag = 'Audio files'
const params = z.object({ id: f.ref('AudioFile') })
const { title, description } = AudioFile.spec.fields

const tags = z.array(f.name(50)).max(maxAudioTags)

/** What goes with a file; in a form each `tags` is one name, or several with commas between. */
const AudioForm = z.object({
  title,
  description,
  visibility: AudioVisibility.optional(),
  tags: tags.optional(),
})

const upload = defineRoute({
  method: 'post',
  path: '/api/v1/audio-files',
  tag,
  summary: 'Uploads a recording in one go: MP3, WAV, FLAC, Ogg Vorbis, Opus, M4A or AAC, by its content',
  auth: 'user',
  scope: 'audio:write',
  rate: rates.costly,
  multipart: { file: 'file', types: audioMediaTypes, fields: AudioForm },
  status: 201,
  answer: AudioFile.wire,
  statuses: { 507: 'unavailable' },
  handle: ({ actor, services, http }) => {
    const said = Number(http.incoming.headers['content-length']) || undefined
    return services.audioFiles.upload(actor, said, async (store) => {
      const { maxUploadBytes: maxBytes } = services.audioFiles
      const fields = await readMultipart(http.incoming, { file: 'file', maxBytes, store })
      return parseInput(AudioForm, formOf(fields, ['tags']), 'body')
    })
  },
})

const list = defineRoute({
  method: 'get',
  path: '/api/v1/audio-files',
  tag,
  summary: 'Public recordings, newest first; with one’s own userId all of one’s own',
  auth: 'optional',
  scope: 'audio:read',
  rate: rates.read,
  query: listQuery({
    userId: f.ref('User').optional(),
    visibility: AudioVisibility.optional().describe('Others than public only of one’s own'),
    tag: f.ref('Tag').optional(),
    q: f.text(1, 100).optional().describe('Words of the title or description'),
    tempoMin: z.coerce.number().min(0).max(1_000).optional().describe('Beats a minute, at least'),
    tempoMax: z.coerce.number().min(0).max(1_000).optional().describe('Beats a minute, at most'),
    key: z
      .string()
      .max(16)
      .refine((text) => parseKey(text) !== undefined, 'must be a key such as C#m or Db')
      .optional()
      .describe('Tonic and mode, such as C#m'),
    loudnessMin: z.coerce.number().min(-200).max(100).optional().describe('Integrated loudness in LUFS, at least'),
    loudnessMax: z.coerce.number().min(-200).max(100).optional().describe('Integrated loudness in LUFS, at most'),
  }),
  status: 200,
  answer: listOf(AudioFile.wire),
  handle: ({ actor, services }, { query }) => services.audioFiles.list(actor, query, query),
})

const get = defineRoute({
  method: 'get',
  path: '/api/v1/audio-files/{id}',
  tag,
  summary: 'A recording; private ones and drafts are there for their owner alone',
  auth: 'optional',
  scope: 'audio:read',
  rate: rates.read,
  params,
  status: 200,
  answer: AudioFile.wire,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.audioFiles.get(actor, params.id),
})

const similar = defineRoute({
  method: 'get',
  path: '/api/v1/audio-files/{id}/similar',
  tag,
  summary: 'Public recordings most like this one by sound and tags, best first, with why; one page',
  auth: 'optional',
  scope: 'audio:read',
  rate: rates.read,
  params,
  query: z.object({ limit: z.coerce.number().int().min(1).max(100).default(20).describe('How many at most') }),
  status: 200,
  answer: listOf(AudioFile.wire).extend({
    scores: z.array(
      z.object({ audioFileId: f.ref('AudioFile', 'keep'), score: f.fraction(), reasons: z.array(z.string()) }),
    ),
  }),
  errors: ['not_found'],
  handle: ({ actor, services }, { params, query }) => services.similar.to(actor, params.id, query.limit),
})

const anchored = defineRoute({
  method: 'get',
  path: '/api/v1/audio-files/{id}/anchors',
  tag,
  summary: 'Messages in one’s own rooms that are about a moment of a recording, newest first',
  auth: 'user',
  scope: 'rooms:read',
  rate: rates.read,
  params,
  query: listQuery({}),
  status: 200,
  answer: listOf(ChatMessage.wire),
  errors: ['not_found'],
  handle: ({ actor, services }, { params, query }) => services.anchors.of(actor, params.id, query),
})

const update = defineRoute({
  method: 'patch',
  path: '/api/v1/audio-files/{id}',
  tag,
  summary: 'Changes the fields given of one’s own recording; null takes a field away',
  auth: 'user',
  scope: 'audio:write',
  access: { owner: 'the uploader', others: 'not_found', permission: { action: 'moderate', resource: 'AudioFile' } },
  rate: rates.write,
  params,
  body: z.object({
    title: title.optional(),
    description: description.nullable(),
    visibility: AudioVisibility.optional(),
    tags: tags.optional(),
  }),
  example: { title: 'Cosmic Jam #3', visibility: 'public', tags: ['ambient', 'synth'] },
  status: 200,
  answer: AudioFile.wire,
  errors: ['not_found'],
  handle: ({ actor, services }, { params, body }) => services.audioFiles.update(actor, params.id, body),
})

const remove = defineRoute({
  method: 'delete',
  path: '/api/v1/audio-files/{id}',
  tag,
  summary: 'Deletes a recording, its bytes and all that points to it: its owner, or with leave to delete AudioFile',
  auth: 'user',
  scope: 'audio:write',
  access: { owner: 'the uploader', others: 'not_found', permission: { action: 'delete', resource: 'AudioFile' } },
  rate: rates.write,
  params,
  status: 204,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.audioFiles.delete(actor, params.id),
})

const link = defineRoute({
  method: 'post',
  path: '/api/v1/audio-files/{id}/link',
  tag,
  summary: 'A signed address of the bytes for players that send no token: for an hour, while one’s session lives',
  auth: 'user',
  scope: 'audio:read',
  rate: rates.read,
  params,
  status: 201,
  answer: z.object({ url: z.url(), expiresAt: z.iso.datetime() }),
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.audioFiles.link(actor, params.id),
})

const rangeHeaders = { 'Accept-Ranges': 'bytes', ETag: 'Changes with the bytes', 'Last-Modified': 'When it was stored' }

const stream = defineRoute({
  method: 'get',
  path: '/api/v1/audio-files/{id}/stream',
  tag,
  summary: 'The bytes of a recording, whole or in ranges',
  auth: 'optional',
  scope: 'audio:read',
  rate: { points: 6_000, seconds: 60 },
  params,
  query: z.object({
    download: z.enum(['0', '1']).optional().describe('1: to be saved under a name, not played'),
    expires: z.coerce.number().int().min(0).optional().describe('Of a signed address, with session and signature'),
    session: f.id().optional(),
    signature: z.string().max(100).optional(),
  }),
  status: 200,
  raw: {
    headers: {
      Range: 'Which bytes: one range or up to 16',
      'If-Range': 'A range only of what has this ETag or date',
      'If-None-Match': 'Nothing where the ETag is still this',
      'If-Modified-Since': 'Nothing where it has not changed since',
    },
    answers: {
      200: { description: 'All of it', types: audioMediaTypes, headers: rangeHeaders },
      206: {
        description: 'The range asked for, or several as multipart/byteranges',
        types: [...audioMediaTypes, 'multipart/byteranges'],
        headers: { ...rangeHeaders, 'Content-Range': 'Which bytes of how many, where it is one range' },
      },
      304: { description: 'The client has it', headers: rangeHeaders },
      416: { description: 'No such range', headers: { 'Content-Range': 'How many bytes there are' } },
    },
  },
  errors: ['not_found'],
  async handle({ actor, services, http }, { params, query }) {
    const { expires, session, signature } = query
    const signed = expires !== undefined && session && signature ? { expires, session, signature } : null
    const file = await services.audioFiles.toServe(actor, params.id, signed)
    const extension = fileExtensions[file.mimeType ?? ''] ?? 'bin'
    return serveContent(http, {
      bytes: file.sizeBytes,
      type: file.mimeType ?? 'application/octet-stream',
      // The bytes of a recording never change.
      etag: `"${file._id}"`,
      changedAt: file.createdAt,
      headers: {
        'Cache-Control': file.visibility === 'public' ? 'no-cache' : 'private, no-cache',
        'Content-Security-Policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
        Vary: 'Authorization',
        ...(query.download === '1' && { 'Content-Disposition': attachment(`${file.title}.${extension}`) }),
      },
      open: (range) => services.storage.get(file.storageKey, range),
    })
  },
})

const fileExtensions: Record<string, string> = {
  'audio/mpeg': 'mp3',
  'audio/wav': 'wav',
  'audio/flac': 'flac',
  'audio/ogg': 'ogg',
  'audio/ogg; codecs=opus': 'opus',
  'audio/mp4': 'm4a',
  'audio/aac': 'aac',
}

export const audioFileRoutes = [upload, list, get, similar, anchored, update, remove, link, stream]
