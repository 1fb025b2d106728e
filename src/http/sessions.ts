import { z } from 'zod'
import { Session } from '../../models/Session.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { originOf } from './auth.ts'
import { defineRoute } from './define.ts'
import { listOf, listQuery } from './lists.ts'

const tag = 'Sessions'

const list = defineRoute({
  method: 'get',
  path: '/api/v1/sessions',
  tag,
  summary: 'One’s own live sessions, newest first',
  auth: 'user',
  access: { owner: 'whose session it is', others: 'nothing' },
  rate: rates.read,
  query: listQuery({}),
  status: 200,
  answer: listOf(Session.wire),
  handle: ({ actor, services }, { query }) => services.accounts.sessions.list(actor.userId, query),
})

const revoke = defineRoute({
  method: 'delete',
  path: '/api/v1/sessions/{id}',
  tag,
  summary: 'Revokes one of one’s own sessions, on every instance within a second',
  auth: 'user',
  access: { owner: 'whose session it is', others: 'not_found' },
  rate: rates.write,
  params: z.object({ id: f.id() }),
  status: 204,
  errors: ['not_found'],
  handle: ({ actor, services, http }, { params }) =>
    services.accounts.sessions.revokeOwn(actor.userId, params.id, originOf(http)),
})

export const sessionRoutes = [list, revoke]
