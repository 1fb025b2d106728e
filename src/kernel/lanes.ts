import { AppError } from './errors.ts'

/**
 * Runs work one after another for each key, side by side for different keys. It spares those who write to one document
 * from each other's conflicts within a process; what is true over processes is the database's to see to.
 */
export function createLanes({ limit = 500 } = {}) {
  const lanes = new Map<string, { last: Promise<unknown>; waiting: number }>()

  return {
    /** Runs when its turn comes. Throws `unavailable` where `limit` wait for the key already. */
    async run<T>(key: string, work: () => Promise<T>): Promise<T> {
      const lane = lanes.get(key) ?? { last: Promise.resolve(), waiting: 0 }
      if (lane.waiting >= limit) {
        throw new AppError('unavailable', 'Too many are changing this at once; try again', { retryAfterMs: 1_000 })
      }
      lanes.set(key, lane)
      lane.waiting++
      const mine = lane.last.then(work)
      lane.last = mine.catch(() => {})
      try {
        return await mine
      } finally {
        lane.waiting--
        if (lane.waiting === 0) lanes.delete(key)
      }
    },
  }
}
