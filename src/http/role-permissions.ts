import { z } from 'zod'
import { RolePermission } from '../../models/RolePermission.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { defineRoute } from './define.ts'
import { listOf, listQuery } from './lists.ts'

const tag = 'Rights'
const permission = { action: 'manage', resource: 'Role' }
const params = z.object({ roleId: f.ref('Role'), permissionId: f.ref('Permission') })

const list = defineRoute({
  method: 'get',
  path: '/api/v1/role-permissions',
  tag,
  summary: 'Which role gives which permission, newest first',
  auth: 'user',
  permission,
  rate: rates.read,
  query: listQuery({ roleId: f.ref('Role').optional(), permissionId: f.ref('Permission').optional() }),
  status: 200,
  answer: listOf(RolePermission.wire),
  handle: ({ services }, { query }) => services.rolePermissions.list(query, query),
})

const create = defineRoute({
  method: 'post',
  path: '/api/v1/role-permissions',
  tag,
  summary: 'Gives a role a permission that one holds oneself; in force on every instance within a second',
  auth: 'user',
  permission,
  rate: rates.write,
  body: z.strictObject({ roleId: f.ref('Role'), permissionId: f.ref('Permission') }),
  example: { roleId: '01HYN8FXZ2W6X8K6YTNPEKXYM7', permissionId: '01HYN8FXZ2W6X8K6YTNPEKXYM8' },
  status: 201,
  answer: RolePermission.wire,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { body }) => services.rolePermissions.create(actor, body),
})

const get = defineRoute({
  method: 'get',
  path: '/api/v1/role-permissions/{roleId}/{permissionId}',
  tag,
  summary: 'That a role gives a permission, and since when',
  auth: 'user',
  permission,
  rate: rates.read,
  params,
  status: 200,
  answer: RolePermission.wire,
  errors: ['not_found'],
  handle: ({ services }, { params }) => services.rolePermissions.get(params),
})

const remove = defineRoute({
  method: 'delete',
  path: '/api/v1/role-permissions/{roleId}/{permissionId}',
  tag,
  summary: 'Takes a permission from a role; in force on every instance within a second',
  auth: 'user',
  permission,
  rate: rates.write,
  params,
  status: 204,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { params }) => services.rolePermissions.remove(actor, params),
})

export const rolePermissionRoutes = [list, create, get, remove]
