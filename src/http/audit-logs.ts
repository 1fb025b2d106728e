import { z } from 'zod'
import { AuditLog } from '../../models/AuditLog.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { defineRoute } from './define.ts'
import { listOf, listQuery, order } from './lists.ts'

const tag = 'Audit log'
const permission = { action: 'read', resource: 'AuditLog' }

const list = defineRoute({
  method: 'get',
  path: '/api/v1/audit-logs',
  tag,
  summary: 'Who did what that matters for security or moderation; nothing here is ever changed',
  auth: 'user',
  permission,
  rate: rates.read,
  query: listQuery({
    userId: f.ref('User').optional().describe('Who did it'),
    action: f.name(100).optional().describe('Such as UserLogin, UserBan or ReportModerate'),
    from: f.time().optional().describe('From this time on'),
    to: f.time().optional().describe('Before this time'),
    order: order('newest'),
  }),
  status: 200,
  answer: listOf(AuditLog.wire),
  handle: ({ services }, { query }) => services.auditLogs.list(query, query, query.order),
})

const get = defineRoute({
  method: 'get',
  path: '/api/v1/audit-logs/{id}',
  tag,
  summary: 'An entry of the audit log',
  auth: 'user',
  permission,
  rate: rates.read,
  params: z.object({ id: f.ref('AuditLog') }),
  status: 200,
  answer: AuditLog.wire,
  errors: ['not_found'],
  handle: ({ services }, { params }) => services.auditLogs.get(params.id),
})

export const auditLogRoutes = [list, get]
