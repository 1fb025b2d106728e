import { z } from 'zod'
import type { Actor } from '../kernel/actor.ts'
import { AppError } from '../kernel/errors.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import type { Exchange, RawAnswer } from '../kernel/route.ts'
import type { Services } from '../services/index.ts'
import { defineRoute } from './define.ts'
import { problemResponse } from './problem.ts'

const tag = 'Resumable uploads'
const params = z.object({ id: f.ref('Upload') })
const access = { owner: 'who began the upload', others: 'not_found' } as const
const common = { tag, auth: 'user', scope: 'audio:write', access, params } as const

const resumable = { 'Tus-Resumable': '1.0.0' }
const offset = { ...resumable, 'Upload-Offset': 'How many bytes are there' }
const fileId = { 'X-Audio-File-Id': 'The recording, once all of it is there' }
const problem = (description: string): RawAnswer => ({ description, types: ['application/problem+json'] })
const refused = { 400: problem('A header is not as tus 1.0 has it'), 412: problem('Not the version 1.0.0 of tus') }

/** Answers by the protocol, whose every answer names its version. */
async function answer(services: Services, actor: Actor, http: Exchange, id: string | null): Promise<Response> {
  if (http.header('Tus-Resumable') === '1.0.0') return services.uploads.handle(actor, http.request(), id)
  const response = problemResponse(
    new AppError('invalid', 'The header Tus-Resumable must be 1.0.0', { status: 412, details: [] }),
  )
  response.headers.set('Tus-Version', '1.0.0')
  return response
}

const able = defineRoute({
  method: 'options',
  path: '/api/v1/uploads',
  tag,
  summary: 'What of the tus protocol the server can',
  auth: 'none',
  rate: rates.read,
  status: 204,
  raw: {
    answers: {
      204: {
        description: 'Told by headers',
        headers: { ...resumable, 'Tus-Version': '1.0.0', 'Tus-Extension': 'A list', 'Tus-Max-Size': 'Bytes' },
      },
    },
  },
  handle: async ({ services }) => new Response(null, { status: 204, headers: services.uploads.options() }),
})

const create = defineRoute({
  method: 'post',
  path: '/api/v1/uploads',
  tag,
  summary: 'Begins an upload of a recording by the tus protocol 1.0',
  auth: 'user',
  scope: 'audio:write',
  rate: rates.costly,
  status: 201,
  raw: {
    reads: ['application/offset+octet-stream'],
    headers: {
      ...resumable,
      'Upload-Length': 'The bytes of the whole file',
      'Upload-Metadata': 'title, description, visibility, tags (with commas between), filename; each value in base64',
    },
    answers: {
      201: { description: 'Begun', headers: { ...offset, ...fileId, Location: 'Where to send the bytes' } },
      ...refused,
    },
  },
  errors: ['conflict', 'invalid', 'too_large', 'unsupported_media'],
  statuses: { 507: 'unavailable' },
  handle: ({ actor, services, http }) => answer(services, actor, http, null),
})

const head = defineRoute({
  ...common,
  method: 'head',
  path: '/api/v1/uploads/{id}',
  summary: 'How far an upload is, by the tus protocol',
  rate: rates.read,
  status: 200,
  raw: {
    headers: resumable,
    answers: {
      200: { description: 'Told by headers', headers: { ...offset, ...fileId, 'Upload-Length': 'The whole' } },
      ...refused,
    },
  },
  errors: ['not_found', 'gone'],
  handle: ({ actor, services, http }, { params }) => answer(services, actor, http, params.id),
})

const state = defineRoute({
  ...common,
  method: 'get',
  path: '/api/v1/uploads/{id}',
  summary: 'How far an upload is, and which recording it became',
  rate: rates.read,
  status: 200,
  answer: z.object({
    id: f.id(),
    length: z.int(),
    offset: z.int(),
    title: z.string(),
    audioFileId: f.ref('AudioFile').nullable(),
    expiresAt: z.iso.datetime(),
  }),
  errors: ['not_found', 'gone'],
  handle: ({ actor, services }, { params }) => services.uploads.state(actor, params.id),
})

const append = defineRoute({
  ...common,
  method: 'patch',
  path: '/api/v1/uploads/{id}',
  summary: 'Goes on with an upload, by the tus protocol; the last part makes the recording',
  rate: rates.write,
  status: 204,
  raw: {
    reads: ['application/offset+octet-stream'],
    headers: { ...resumable, 'Upload-Offset': 'Where these bytes begin' },
    answers: { 204: { description: 'Taken', headers: { ...offset, ...fileId } }, ...refused },
  },
  errors: ['not_found', 'conflict', 'gone', 'too_large', 'unsupported_media'],
  statuses: { 507: 'unavailable' },
  handle: ({ actor, services, http }, { params }) => answer(services, actor, http, params.id),
})

const end = defineRoute({
  ...common,
  method: 'delete',
  path: '/api/v1/uploads/{id}',
  summary: 'Ends an unfinished upload and removes its bytes',
  rate: rates.write,
  status: 204,
  raw: {
    headers: resumable,
    answers: { 204: { description: 'Gone', headers: resumable }, ...refused },
  },
  errors: ['not_found', 'conflict', 'gone'],
  handle: ({ actor, services, http }, { params }) => answer(services, actor, http, params.id),
})

export const uploadRoutes = [able, create, head, state, append, end]
