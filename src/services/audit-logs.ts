import { AuditLog, type AuditLogWire } from '../../models/AuditLog.ts'
import type { Database } from '../infra/mongo.ts'
import { notFound } from '../kernel/errors.ts'
import type { Page, PageRequest } from '../kernel/page.ts'
import { type Order, pageById } from './shared/pages.ts'

export interface AuditFilter {
  /** Who did it. */
  userId?: string | undefined
  action?: string | undefined
  /** From this time on, and before that one. */
  from?: Date | undefined
  to?: Date | undefined
}

/** The audit log, to read. Entries are written by those who act, and never changed. */
export function createAuditLogs({ database }: { database: Database }) {
  const entries = database.collection(AuditLog)
  return {
    list({ userId, action, from, to }: AuditFilter, page: PageRequest, order: Order): Promise<Page<AuditLogWire>> {
      const time = { ...(from && { $gte: from }), ...(to && { $lt: to }) }
      const filter = {
        ...(userId && { performedBy: userId }),
        ...(action && { action }),
        ...((from || to) && { performedAt: time }),
      }
      return pageById(entries, filter, page, (entry) => AuditLog.toWire(entry), order)
    },
    async get(id: string): Promise<AuditLogWire> {
      const entry = await entries.findOne({ _id: id })
      if (!entry) throw notFound('Audit log entry')
      return AuditLog.toWire(entry)
    },
  }
}
export type AuditLogs = ReturnType<typeof createAuditLogs>
