import { z } from 'zod'
import { User } from '../../models/User.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { defineRoute } from './define.ts'
import { flag, listOf, listQuery } from './lists.ts'

const tag = 'Users'
const params = z.object({ id: f.ref('User') })
const manage = { action: 'manage', resource: 'User' }

const Account = z.intersection(
  User.wire,
  z.looseObject({ bannedAt: z.iso.datetime().nullable().describe('Since when the account is suspended') }),
)
const siteRole = z.enum(['user', 'admin'])

const list = defineRoute({
  method: 'get',
  path: '/api/v1/users',
  tag,
  summary: 'The accounts, newest first; e-mail addresses for admins alone, others get a stand-in',
  auth: 'user',
  permission: { action: 'read', resource: 'User' },
  rate: rates.read,
  query: listQuery({
    q: f.text(1, 100).optional().describe('How the display name begins or, for admins, the e-mail address'),
    role: siteRole.optional(),
    isVerified: flag().describe('Whether the address is confirmed'),
    banned: flag().describe('Only suspended accounts, or only others'),
  }),
  status: 200,
  answer: listOf(Account),
  handle: ({ actor, services }, { query }) => services.accounts.users.list(actor, query, query),
})

const get = defineRoute({
  method: 'get',
  path: '/api/v1/users/{id}',
  tag,
  summary: 'An account; one’s own, or any with the permission',
  auth: 'user',
  access: { owner: 'who has the account', others: 'not_found', permission: { action: 'read', resource: 'User' } },
  rate: rates.read,
  params,
  status: 200,
  answer: Account,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.accounts.users.get(actor, params.id),
})

const update = defineRoute({
  method: 'patch',
  path: '/api/v1/users/{id}',
  tag,
  summary: 'Makes an admin or a plain user of an account (admins alone), or says whether its address is confirmed',
  auth: 'user',
  permission: manage,
  rate: rates.write,
  params,
  body: z.strictObject({ role: siteRole.optional(), isVerified: z.boolean().optional() }),
  example: { isVerified: true },
  status: 200,
  answer: Account,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { params, body }) => services.accounts.users.update(actor, params.id, body),
})

const ban = defineRoute({
  method: 'put',
  path: '/api/v1/users/{id}/ban',
  tag,
  summary: 'Suspends an account: its sessions and bots end on every instance within a second; again changes nothing',
  auth: 'user',
  permission: manage,
  rate: rates.write,
  params,
  status: 204,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { params }) => services.accounts.users.ban(params.id, actor),
})

const unban = defineRoute({
  method: 'delete',
  path: '/api/v1/users/{id}/ban',
  tag,
  summary: 'Reinstates an account, which can log in again; one that is not suspended stays so',
  auth: 'user',
  permission: manage,
  rate: rates.write,
  params,
  status: 204,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.accounts.users.unban(params.id, actor),
})

export const userRoutes = [list, get, update, ban, unban]
