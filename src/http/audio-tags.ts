import { z } from 'zod'
import { maxAudioTags } from '../../models/AudioFile.ts'
import { AudioFileTag } from '../../models/AudioFileTag.ts'
import { Tag } from '../../models/Tag.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import type { OwnerRule } from '../kernel/route.ts'
import { defineRoute } from './define.ts'
import { flag, listOf, listQuery } from './lists.ts'

const tag = 'Audio files'
const params = z.object({ id: f.id() })
const access: OwnerRule = {
  owner: 'the uploader',
  others: 'forbidden',
  permission: { action: 'moderate', resource: 'AudioFile' },
}

const list = defineRoute({
  method: 'get',
  path: '/api/v1/audio-files/{id}/tags',
  tag,
  summary: 'The tags of a recording',
  auth: 'optional',
  scope: 'audio:read',
  rate: rates.read,
  params,
  query: listQuery({ expand: flag().describe('Also gives the Tags') }),
  status: 200,
  answer: listOf(AudioFileTag.wire).extend({ tags: z.array(Tag.wire).optional() }),
  errors: ['not_found'],
  handle: ({ actor, services }, { params, query }) => services.audioTags.list(actor, params.id, query),
})

const add = defineRoute({
  method: 'post',
  path: '/api/v1/audio-files/{id}/tags',
  tag,
  summary: 'Puts a tag on a recording; again changes nothing',
  auth: 'user',
  scope: 'audio:write',
  access,
  rate: rates.write,
  params,
  body: z.object({ tagId: f.ref('Tag') }),
  example: { tagId: '01HYNTAG01ABCDE12345678901' },
  status: 201,
  answer: AudioFileTag.wire,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { params, body }) => services.audioTags.add(actor, params.id, body.tagId),
})

const replace = defineRoute({
  method: 'put',
  path: '/api/v1/audio-files/{id}/tags',
  tag,
  summary: 'Makes these the tags of a recording, and no others',
  auth: 'user',
  scope: 'audio:write',
  access,
  rate: rates.write,
  params,
  body: z.object({ tagIds: z.array(f.ref('Tag')).max(maxAudioTags) }),
  example: { tagIds: [] },
  status: 200,
  answer: z.object({ items: z.array(AudioFileTag.wire) }),
  errors: ['not_found'],
  handle: async ({ actor, services }, { params, body }) => ({
    items: await services.audioTags.replace(actor, params.id, body.tagIds),
  }),
})

const remove = defineRoute({
  method: 'delete',
  path: '/api/v1/audio-files/{id}/tags/{tagId}',
  tag,
  summary: 'Takes a tag off a recording; without it nothing changes',
  auth: 'user',
  scope: 'audio:write',
  access,
  rate: rates.write,
  params: z.object({ id: f.id(), tagId: f.ref('Tag') }),
  status: 204,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.audioTags.remove(actor, params.id, params.tagId),
})

export const audioTagRoutes = [list, add, replace, remove]
