import type { Logger } from '../kernel/ports.ts'
import { appName, type Database } from './mongo.ts'

/** A transaction of ours that did nothing for so long has lost its process, in milliseconds: ours do one thing after another. */
const inactiveMs = 2_500
const lookMs = 1_000
/** A look that is answered later than this says nothing, in milliseconds. */
const answerMs = 5_000

/**
 * Ends transactions of our servers in which nothing happened for `ms`; returns how many. Who was only slow
 * gets a transient error and starts its transaction again. Throws where MongoDB does not let us look.
 */
async function endOrphanTransactions(database: Database, ms = inactiveMs): Promise<number> {
  const orphans = await database.aggregateAdmin(
    [
      // Our own user's sessions: that takes no privilege.
      { $currentOp: { idleSessions: true, allUsers: false } },
      { $match: { type: 'idleSession', appName, 'transaction.timeInactiveMicros': { $gt: ms * 1000 } } },
      { $project: { lsid: 1 } },
    ],
    { maxTimeMS: answerMs },
  )
  if (orphans.length > 0) {
    const admin = database.connection.getClient().db('admin')
    await admin.command({ killSessions: orphans.map(({ lsid }) => ({ id: lsid.id })) })
  }
  return orphans.length
}

/**
 * Looks for orphaned transactions every second. An instance that is killed in the middle of one leaves it open, and
 * MongoDB keeps what it has written from others until `transactionLifetimeLimitSeconds`, a minute and more: nobody could
 * write to the log that it wrote to.
 */
export function watchTransactions(database: Database, logger: Logger): { close(): Promise<void> } {
  let looking: Promise<void> | null = null
  let told = false
  async function look() {
    try {
      const ended = await endOrphanTransactions(database)
      if (ended > 0) logger.warn({ transactions: ended }, 'ended transactions that their process has left')
      told = false
    } catch (error) {
      // Away, or not allowed; the database's own limit ends them, later.
      if (!told) logger.warn({ err: error }, 'could not look for transactions that were left open')
      told = true
    }
  }
  const timer = setInterval(() => {
    looking ??= look().finally(() => {
      looking = null
    })
  }, lookMs)
  timer.unref()
  return {
    async close() {
      clearInterval(timer)
      await looking
    },
  }
}
