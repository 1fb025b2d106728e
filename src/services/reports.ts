import { Report, type ReportDoc, type ReportWire } from '../../models/Report.ts'
import type { Database } from '../infra/mongo.ts'
import type { Actor } from '../kernel/actor.ts'
import { conflict, forbidden, notFound } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { Page, PageRequest } from '../kernel/page.ts'
import { type ReportStatus, reportPolicy } from '../policies/reports.ts'
import type { Audit } from './accounts/audit.ts'
import { isDuplicate } from './shared/duplicates.ts'
import { type Order, pageById } from './shared/pages.ts'
import { seenTarget } from './shared/targets.ts'

export interface ReportFilter {
  status?: ReportStatus | undefined
  targetType?: ReportDoc['targetType'] | undefined
  targetId?: string | undefined
  /** Whom they come from; for those who do not moderate it is always themselves. */
  reporterId?: string | undefined
  /** Who dealt with them last; for moderators. */
  resolvedBy?: string | undefined
}

/** Complaints, and the queue in which moderators deal with them. */
export function createReports({ database, audit }: { database: Database; audit: Audit }) {
  const reports = database.collection(Report)

  async function seen(actor: Actor, reportId: string): Promise<ReportDoc> {
    const report = await reports.findOne({ _id: reportId })
    if (!report || !reportPolicy.see(actor, report)) throw notFound('Report')
    return report
  }

  return {
    /** Complains of a thing that one sees. Throws `conflict` while one’s report on it is open. */
    async create(
      actor: Actor,
      { targetType, targetId, reason }: Pick<ReportDoc, 'targetType' | 'targetId' | 'reason'>,
    ): Promise<ReportWire> {
      await seenTarget(database, targetType, targetId, actor)
      const report: ReportDoc = {
        _id: newId(),
        reporterId: actor.userId,
        targetType,
        targetId,
        reason,
        status: 'open',
        createdAt: new Date(),
        updatedAt: null,
      }
      try {
        await reports.insertOne(report)
      } catch (error) {
        if (isDuplicate(error)) throw conflict('Your report on this is open')
        throw error
      }
      return Report.toWire(report)
    },

    /** All reports for moderators, the oldest first where not told otherwise; for others their own. */
    list(actor: Actor, filter: ReportFilter, page: PageRequest, order: Order): Promise<Page<ReportWire>> {
      const { status, targetType, targetId, reporterId, resolvedBy } = filter
      const all = reportPolicy.seeAll(actor)
      if (!all && resolvedBy) throw forbidden('Only moderators ask for that')
      const from = all ? reporterId : actor.userId
      if (!all && reporterId && reporterId !== actor.userId) return Promise.resolve({ items: [], nextCursor: null })
      const query = {
        ...(status && { status }),
        ...(targetType && { targetType }),
        ...(targetId && { targetId }),
        ...(from && { reporterId: from }),
        ...(resolvedBy && { resolvedBy }),
      }
      return pageById(reports, query, page, (report) => Report.toWire(report), order)
    },

    async get(actor: Actor, reportId: string): Promise<ReportWire> {
      return Report.toWire(await seen(actor, reportId))
    },

    /**
     * Takes a report on, or closes it, and writes down who did. Throws `conflict` for a step that there is not, which is
     * also what the slower of two moderators gets.
     */
    async resolve(actor: Actor, reportId: string, status: ReportStatus): Promise<ReportWire> {
      const { status: before } = await seen(actor, reportId)
      if (!reportPolicy.resolve(actor)) throw forbidden('Only moderators deal with reports')
      return database.transaction(async (session) => {
        const report = await reports.findOneAndUpdate(
          { _id: reportId, status: { $in: reportPolicy.before(status) } },
          { $set: { status, resolvedBy: actor.userId, updatedAt: new Date() } },
          { session, returnDocument: 'after' },
        )
        if (!report) throw conflict(`The report is ${before}; it can't become ${status}`)
        const { targetType, targetId } = report
        await audit.record('ReportModerate', actor.userId, { reportId, status, targetType, targetId }, session)
        return Report.toWire(report)
      })
    },
  }
}
export type Reports = ReturnType<typeof createReports>
