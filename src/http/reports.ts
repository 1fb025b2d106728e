import { z } from 'zod'
import { Report } from '../../models/Report.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { defineRoute } from './define.ts'
import { listOf, listQuery, order } from './lists.ts'

const tag = 'Reports'
const params = z.object({ id: f.ref('Report') })
const { targetType, targetId, reason, status } = Report.spec.fields
const moderate = { action: 'moderate', resource: 'Report' }

const create = defineRoute({
  method: 'post',
  path: '/api/v1/reports',
  tag,
  summary: 'Complains of a thing that one sees to the moderators',
  auth: 'user',
  rate: rates.costly,
  body: z.strictObject({ targetType, targetId, reason }),
  example: { targetType: 'Comment', targetId: '01HYN8FXZ2W6X8K6YTNPEKXYM7', reason: 'Contains offensive language' },
  status: 201,
  answer: Report.wire,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { body }) => services.reports.create(actor, body),
})

const list = defineRoute({
  method: 'get',
  path: '/api/v1/reports',
  tag,
  summary: 'The moderation queue, the oldest first; without the permission one’s own reports alone',
  auth: 'user',
  access: { owner: 'who reported', others: 'nothing', permission: moderate },
  rate: rates.read,
  query: listQuery({
    status: status.unwrap().optional(),
    targetType: targetType.optional(),
    targetId: targetId.optional(),
    reporterId: f.ref('User').optional().describe('Whom they come from'),
    resolvedBy: f.ref('User').optional().describe('Who took them on or closed them last; for moderators'),
    order: order('oldest'),
  }),
  status: 200,
  answer: listOf(Report.wire),
  handle: ({ actor, services }, { query }) => services.reports.list(actor, query, query, query.order),
})

const get = defineRoute({
  method: 'get',
  path: '/api/v1/reports/{id}',
  tag,
  summary: 'A report, for its reporter and for moderators',
  auth: 'user',
  access: { owner: 'who reported', others: 'not_found', permission: moderate },
  rate: rates.read,
  params,
  status: 200,
  answer: Report.wire,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.reports.get(actor, params.id),
})

const resolve = defineRoute({
  method: 'patch',
  path: '/api/v1/reports/{id}',
  tag,
  summary: 'Takes an open report on (reviewed) or closes it; any other step is a conflict',
  auth: 'user',
  permission: moderate,
  rate: rates.write,
  params,
  body: z.strictObject({ status: status.unwrap() }),
  example: { status: 'reviewed' },
  status: 200,
  answer: Report.wire,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { params, body }) => services.reports.resolve(actor, params.id, body.status),
})

export const reportRoutes = [create, list, get, resolve]
