import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const AuditLog = defineEntity('AuditLog', {
  description: 'Who did what that matters for security or moderation; never changed',
  collection: 'auditlogs',
  closed: true,
  fields: {
    id: f.id(),
    action: f.name(100),
    performedBy: f.ref('User', 'keep'),
    performedAt: f.time(),
    details: f.json(),
  },
  indexes: [
    { keys: { performedBy: 1, _id: -1 }, serves: 'what a user did, newest first' },
    { keys: { action: 1, _id: -1 }, serves: 'acts of a kind, newest first' },
  ],
})
export type AuditLogDoc = Stored<typeof AuditLog>
export type AuditLogWire = Wire<typeof AuditLog>
