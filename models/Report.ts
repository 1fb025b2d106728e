import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

const reportTargets = ['AudioFile', 'Comment', 'Profile', 'Project'] as const

export const Report = defineEntity('Report', {
  description: 'A complaint for the moderators',
  collection: 'reports',
  closed: true,
  fields: {
    id: f.id(),
    reporterId: f.ref('User', 'keep'),
    targetType: z.enum(reportTargets),
    targetId: f.target('targetType', 'cascade'),
    reason: f.text(1, 2_000),
    status: z.enum(['open', 'reviewed', 'closed']).default('open'),
    createdAt: f.time(),
    updatedAt: f.time().nullable().default(null),
  },
  stored: {
    /** Who took it on or closed it last; the audit log has all of them. */
    resolvedBy: f.ref('User', 'keep').optional(),
  },
  indexes: [
    { keys: { status: 1, _id: 1 }, serves: 'the moderation queue, oldest first' },
    { keys: { reporterId: 1, _id: -1 }, serves: 'the reports of a user' },
    {
      keys: { resolvedBy: 1, _id: -1 },
      options: { partialFilterExpression: { resolvedBy: { $exists: true } } },
      serves: 'what a moderator dealt with',
    },
    { keys: { targetType: 1, targetId: 1, _id: -1 }, serves: 'the reports on a thing' },
    {
      keys: { reporterId: 1, targetType: 1, targetId: 1 },
      options: { unique: true, partialFilterExpression: { status: 'open' } },
      serves: 'one open report a reporter and thing',
    },
  ],
})
export type ReportDoc = Stored<typeof Report>
export type ReportWire = Wire<typeof Report>
