import { z } from 'zod'
import { Tag } from '../../models/Tag.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { defineRoute } from './define.ts'
import { listOf, listQuery } from './lists.ts'

const tag = 'Tags'
const permission = { action: 'manage', resource: 'Tag' }
const params = z.object({ id: f.ref('Tag') })
const body = z.strictObject({ name: Tag.spec.fields.name })
const example = { name: 'ambient' }

const list = defineRoute({
  method: 'get',
  path: '/api/v1/tags',
  tag,
  summary: 'The tags, by name',
  auth: 'user',
  scope: 'audio:read',
  rate: rates.read,
  query: listQuery({ q: f.text(1, 50).optional().describe('How the name begins') }),
  status: 200,
  answer: listOf(Tag.wire),
  handle: ({ services }, { query }) => services.tags.list(query, query),
})

const create = defineRoute({
  method: 'post',
  path: '/api/v1/tags',
  tag,
  summary: 'Makes a tag',
  auth: 'user',
  scope: 'audio:write',
  rate: rates.costly,
  body,
  example,
  status: 201,
  answer: Tag.wire,
  errors: ['conflict'],
  handle: ({ services }, { body }) => services.tags.create(body.name),
})

const get = defineRoute({
  method: 'get',
  path: '/api/v1/tags/{id}',
  tag,
  summary: 'A tag',
  auth: 'user',
  scope: 'audio:read',
  rate: rates.read,
  params,
  status: 200,
  answer: Tag.wire,
  errors: ['not_found'],
  handle: ({ services }, { params }) => services.tags.get(params.id),
})

const rename = defineRoute({
  method: 'patch',
  path: '/api/v1/tags/{id}',
  tag,
  summary: 'Renames a tag, wherever it is used',
  auth: 'user',
  permission,
  rate: rates.write,
  params,
  body,
  example,
  status: 200,
  answer: Tag.wire,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { params, body }) => services.tags.rename(actor, params.id, body.name),
})

const remove = defineRoute({
  method: 'delete',
  path: '/api/v1/tags/{id}',
  tag,
  summary: 'Deletes a tag, and takes it from all that it is on',
  auth: 'user',
  permission,
  rate: rates.write,
  params,
  status: 204,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.tags.remove(actor, params.id),
})

export const tagRoutes = [list, create, get, rename, remove]
