import { z } from 'zod'
import { Permission } from '../../models/Permission.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { defineRoute } from './define.ts'
import { listOf, listQuery } from './lists.ts'

const tag = 'Rights'
const permission = { action: 'manage', resource: 'Role' }
const params = z.object({ id: f.ref('Permission') })
const { action, resource, description } = Permission.spec.fields

const list = defineRoute({
  method: 'get',
  path: '/api/v1/permissions',
  tag,
  summary: 'The permissions that roles can give, by resource and action',
  auth: 'user',
  permission,
  rate: rates.read,
  query: listQuery({ resource: resource.optional(), action: action.optional() }),
  status: 200,
  answer: listOf(Permission.wire),
  handle: ({ services }, { query }) => services.permissions.list(query, query),
})

const create = defineRoute({
  method: 'post',
  path: '/api/v1/permissions',
  tag,
  summary: 'Makes a permission, which admins hold; what asks for it is up to bots and clients',
  auth: 'user',
  permission,
  rate: rates.write,
  body: z.strictObject({ action, resource, description }),
  example: { action: 'feature', resource: 'Playlist', description: 'Put playlists on the first page' },
  status: 201,
  answer: Permission.wire,
  errors: ['conflict'],
  handle: ({ actor, services }, { body }) => services.permissions.create(actor, body),
})

const get = defineRoute({
  method: 'get',
  path: '/api/v1/permissions/{id}',
  tag,
  summary: 'A permission',
  auth: 'user',
  permission,
  rate: rates.read,
  params,
  status: 200,
  answer: Permission.wire,
  errors: ['not_found'],
  handle: ({ services }, { params }) => services.permissions.get(params.id),
})

const update = defineRoute({
  method: 'patch',
  path: '/api/v1/permissions/{id}',
  tag,
  summary: 'Changes how a permission is described; null takes the description away',
  auth: 'user',
  permission,
  rate: rates.write,
  params,
  body: z.strictObject({ description: description.unwrap().nullable() }),
  example: { description: 'Put playlists on the first page, for a week' },
  status: 200,
  answer: Permission.wire,
  errors: ['not_found'],
  handle: ({ actor, services }, { params, body }) => services.permissions.update(actor, params.id, body.description),
})

const remove = defineRoute({
  method: 'delete',
  path: '/api/v1/permissions/{id}',
  tag,
  summary: 'Deletes a permission, and takes it from all roles; those that the server asks for stay',
  auth: 'user',
  permission,
  rate: rates.write,
  params,
  status: 204,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { params }) => services.permissions.remove(actor, params.id),
})

export const permissionRoutes = [list, create, get, update, remove]
