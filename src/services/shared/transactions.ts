import type { mongo } from 'mongoose'
import type { Database } from '../../infra/mongo.ts'
import { AppError } from '../../kernel/errors.ts'

/** How often a transaction that loses against others is begun. */
const maxAttempts = 60

/**
 * A transaction that is tried again after a write conflict, a bounded number of times. Throws `unavailable` beyond it,
 * and whatever the work throws.
 */
export function boundedTransaction<T>(
  database: Database,
  work: (session: mongo.ClientSession) => Promise<T>,
): Promise<T> {
  let attempts = 0
  return database.transaction((session) => {
    if (++attempts > maxAttempts) {
      throw new AppError('unavailable', 'Too many are changing this at once; try again', { retryAfterMs: 1_000 })
    }
    return work(session)
  })
}
