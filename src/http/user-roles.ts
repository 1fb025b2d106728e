import { z } from 'zod'
import { UserRole } from '../../models/UserRole.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { defineRoute } from './define.ts'
import { listOf, listQuery } from './lists.ts'

const tag = 'Rights'
const permission = { action: 'manage', resource: 'Role' }
const params = z.object({ userId: f.ref('User'), roleId: f.ref('Role') })

const list = defineRoute({
  method: 'get',
  path: '/api/v1/user-roles',
  tag,
  summary: 'Who has which role, newest first',
  auth: 'user',
  permission,
  rate: rates.read,
  query: listQuery({ userId: f.ref('User').optional(), roleId: f.ref('Role').optional() }),
  status: 200,
  answer: listOf(UserRole.wire),
  handle: ({ services }, { query }) => services.userRoles.list(query, query),
})

const create = defineRoute({
  method: 'post',
  path: '/api/v1/user-roles',
  tag,
  summary: 'Gives a user a role within what one may oneself; in force on every instance within a second',
  auth: 'user',
  permission,
  rate: rates.write,
  body: z.strictObject({ userId: f.ref('User'), roleId: f.ref('Role') }),
  example: { userId: '01HYN8FXZ2W6X8K6YTNPEKXYM7', roleId: '01HYN8FXZ2W6X8K6YTNPEKXYM8' },
  status: 201,
  answer: UserRole.wire,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { body }) => services.userRoles.create(actor, body),
})

const get = defineRoute({
  method: 'get',
  path: '/api/v1/user-roles/{userId}/{roleId}',
  tag,
  summary: 'That a user has a role, and since when',
  auth: 'user',
  permission,
  rate: rates.read,
  params,
  status: 200,
  answer: UserRole.wire,
  errors: ['not_found'],
  handle: ({ services }, { params }) => services.userRoles.get(params),
})

const remove = defineRoute({
  method: 'delete',
  path: '/api/v1/user-roles/{userId}/{roleId}',
  tag,
  summary: 'Takes a role from a user; the last admin stays one',
  auth: 'user',
  permission,
  rate: rates.write,
  params,
  status: 204,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { params }) => services.userRoles.remove(actor, params),
})

export const userRoleRoutes = [list, create, get, remove]
