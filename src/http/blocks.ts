import { z } from 'zod'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { defineRoute } from './define.ts'
import { listOf, listQuery } from './lists.ts'

const tag = 'Blocks'
const params = z.object({ userId: f.ref('User') })

const list = defineRoute({
  method: 'get',
  path: '/api/v1/blocks',
  tag,
  summary: 'Whom one blocks, by user id',
  auth: 'user',
  access: { owner: 'who blocks', others: 'nothing' },
  rate: rates.read,
  query: listQuery({}),
  status: 200,
  answer: listOf(z.object({ userId: f.ref('User'), createdAt: z.string() })),
  handle: ({ actor, services }, { query }) => services.people.blocked(actor.userId, query),
})

const block = defineRoute({
  method: 'put',
  path: '/api/v1/blocks/{userId}',
  tag,
  summary: 'Blocks a user: no direct messages and no invitations from them; again changes nothing',
  auth: 'user',
  rate: rates.write,
  params,
  status: 204,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.people.block(actor.userId, params.userId),
})

const unblock = defineRoute({
  method: 'delete',
  path: '/api/v1/blocks/{userId}',
  tag,
  summary: 'Unblocks a user; one who is not blocked stays so',
  auth: 'user',
  rate: rates.write,
  params,
  status: 204,
  handle: ({ actor, services }, { params }) => services.people.unblock(actor.userId, params.userId),
})

export const blockRoutes = [list, block, unblock]
