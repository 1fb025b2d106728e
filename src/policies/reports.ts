import { type Actor, permits } from '../kernel/actor.ts'

export type ReportStatus = 'open' | 'reviewed' | 'closed'

/** Reviewed: somebody looks into it. Closed: it is dealt with, and stays so. */
const steps: Record<ReportStatus, ReportStatus[]> = {
  open: ['reviewed', 'closed'],
  reviewed: ['closed'],
  closed: [],
}

const moderates = (actor: Actor) => permits(actor, { action: 'moderate', resource: 'Report' })

/** Who sees and deals with reports. */
export const reportPolicy = {
  seeAll: moderates,
  see: (actor: Actor, report: { reporterId: string }): boolean =>
    report.reporterId === actor.userId || moderates(actor),
  resolve: moderates,
  /** From which states a report can come to one. */
  before: (status: ReportStatus): ReportStatus[] =>
    (Object.keys(steps) as ReportStatus[]).filter((from) => steps[from].includes(status)),
}
