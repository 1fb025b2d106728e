import { z } from 'zod'
import { Role } from '../../models/Role.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { defineRoute } from './define.ts'
import { listOf, listQuery } from './lists.ts'

const tag = 'Rights'
const permission = { action: 'manage', resource: 'Role' }
const params = z.object({ id: f.ref('Role') })
const { name, description } = Role.spec.fields

const list = defineRoute({
  method: 'get',
  path: '/api/v1/roles',
  tag,
  summary: 'The roles, by name',
  auth: 'user',
  permission,
  rate: rates.read,
  query: listQuery({}),
  status: 200,
  answer: listOf(Role.wire),
  handle: ({ services }, { query }) => services.roles.list(query),
})

const create = defineRoute({
  method: 'post',
  path: '/api/v1/roles',
  tag,
  summary: 'Makes a role, which permits nothing yet',
  auth: 'user',
  permission,
  rate: rates.write,
  body: z.strictObject({ name, description }),
  example: { name: 'curator', description: 'Looks after playlists' },
  status: 201,
  answer: Role.wire,
  errors: ['conflict'],
  handle: ({ actor, services }, { body }) => services.roles.create(actor, body),
})

const get = defineRoute({
  method: 'get',
  path: '/api/v1/roles/{id}',
  tag,
  summary: 'A role',
  auth: 'user',
  permission,
  rate: rates.read,
  params,
  status: 200,
  answer: Role.wire,
  errors: ['not_found'],
  handle: ({ services }, { params }) => services.roles.get(params.id),
})

const update = defineRoute({
  method: 'patch',
  path: '/api/v1/roles/{id}',
  tag,
  summary: 'Changes the fields given of a role; null takes the description away, a standard role keeps its name',
  auth: 'user',
  permission,
  rate: rates.write,
  params,
  body: z.strictObject({ name: name.optional(), description: description.nullable() }),
  example: { description: 'Looks after playlists and tags' },
  status: 200,
  answer: Role.wire,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { params, body }) => services.roles.update(actor, params.id, body),
})

const remove = defineRoute({
  method: 'delete',
  path: '/api/v1/roles/{id}',
  tag,
  summary: 'Deletes a role, and takes it from all who have it; the standard roles stay',
  auth: 'user',
  permission,
  rate: rates.write,
  params,
  status: 204,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { params }) => services.roles.remove(actor, params.id),
})

export const roleRoutes = [list, create, get, update, remove]
