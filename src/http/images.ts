import { z } from 'zod'
import { Image, ImageTarget, ImageUsage } from '../../models/Image.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { parseInput } from '../kernel/validate.ts'
import { imageMediaTypes } from '../services/files/pictures.ts'
import { defineRoute } from './define.ts'
import { listOf, listQuery } from './lists.ts'
import { formOf, readMultipart } from './multipart.ts'
import { serveContent } from './ranges.ts'

const tag = 'Images'
const params = z.object({ id: f.ref('Image') })

const ImageForm = z.object({
  usageType: ImageUsage,
  linkedEntityId: f.id().optional().describe('What it shows, of one’s own; avatars and banners are the profile’s'),
  linkedEntityType: ImageTarget.optional(),
})

const upload = defineRoute({
  method: 'post',
  path: '/api/v1/images',
  tag,
  summary: 'Uploads a picture, to be kept without metadata in the sizes of its use; an avatar or banner is then shown',
  auth: 'user',
  rate: rates.costly,
  multipart: { file: 'file', types: imageMediaTypes, fields: ImageForm },
  status: 201,
  answer: Image.wire,
  errors: ['not_found'],
  statuses: { 507: 'unavailable' },
  handle: ({ actor, services, http }) => {
    const said = Number(http.incoming.headers['content-length']) || undefined
    return services.images.upload(actor, said, async (store) => {
      const { maxBytes } = services.images
      const fields = await readMultipart(http.incoming, { file: 'file', maxBytes, store })
      return parseInput(ImageForm, formOf(fields), 'body')
    })
  },
})

const list = defineRoute({
  method: 'get',
  path: '/api/v1/images',
  tag,
  summary: 'One’s own pictures, newest first',
  auth: 'user',
  scope: 'profile:read',
  rate: rates.read,
  query: listQuery({ usageType: ImageUsage.optional(), linkedEntityId: f.id().optional() }),
  status: 200,
  answer: listOf(Image.wire),
  handle: ({ actor, services }, { query }) => services.images.list(actor, query, query),
})

const get = defineRoute({
  method: 'get',
  path: '/api/v1/images/{id}',
  tag,
  summary: 'A picture’s record',
  auth: 'user',
  scope: 'profile:read',
  rate: rates.read,
  params,
  status: 200,
  answer: Image.wire,
  errors: ['not_found'],
  handle: ({ services }, { params }) => services.images.get(params.id),
})

const remove = defineRoute({
  method: 'delete',
  path: '/api/v1/images/{id}',
  tag,
  summary: 'Deletes a picture and where it is shown: its uploader, or with leave to delete Image',
  auth: 'user',
  access: { owner: 'the uploader', others: 'not_found', permission: { action: 'delete', resource: 'Image' } },
  rate: rates.write,
  params,
  status: 204,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.images.delete(actor, params.id),
})

const headers = { ETag: 'Of this size', 'Cache-Control': 'For a year: the bytes of a picture never change' }

const content = defineRoute({
  method: 'get',
  path: '/api/v1/images/{id}/content',
  tag,
  summary: 'The picture itself, as WebP, for whoever has its address',
  auth: 'none',
  rate: { points: 6_000, seconds: 60 },
  params,
  query: z.object({
    size: z.coerce
      .number()
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .describe('How wide it is needed; without it the widest'),
  }),
  status: 200,
  raw: {
    headers: { 'If-None-Match': 'Nothing where the ETag is still this', Range: 'Which bytes' },
    answers: {
      200: { description: 'The picture', types: ['image/webp'], headers },
      206: { description: 'A range of it', types: ['image/webp', 'multipart/byteranges'], headers },
      304: { description: 'The client has it', headers },
      416: { description: 'No such range' },
    },
  },
  errors: ['not_found'],
  async handle({ services, http }, { params, query }) {
    const { key, bytes, etag, createdAt } = await services.images.toServe(params.id, query.size)
    return serveContent(http, {
      bytes,
      etag,
      type: 'image/webp',
      changedAt: createdAt,
      headers: {
        'Cache-Control': 'public, max-age=31536000, immutable',
        'Content-Security-Policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
      },
      open: (range) => services.storage.get(key, range),
    })
  },
})

export const imageRoutes = [upload, list, get, remove, content]
