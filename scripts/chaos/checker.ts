import { checkLogs } from './check-logs.ts'
import { checkOps } from './check-ops.ts'
import { checkTraces } from './check-traces.ts'
import type { History } from './history.ts'
import { viewLogs } from './log-view.ts'
import { createVerdict, type Verdict } from './verdict.ts'

/** Longest that an ack may take, in ms, with processes dying and frozen for seconds in between. */
const HANG_MS = 30_000

/**
 * Counts the anomalies in a run's history; the kinds are defined in `verdict.ts`. Pure: reads the history, changes
 * nothing.
 */
export function check(history: History, hangMs = HANG_MS): Verdict {
  const { verdict, report } = createVerdict()
  const views = viewLogs(history)
  checkOps(history, views, hangMs, report)
  checkLogs(history, views, report)
  checkTraces(history, views, report)
  return verdict
}
