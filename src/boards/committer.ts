import { AppError, toAppError } from '../kernel/errors.ts'
import type { Record } from './store.ts'

interface Waiting {
  record: Record
  resolve(): void
  reject(error: unknown): void
}

export interface CommitterOptions {
  append(records: Record[]): Promise<void>
  /** Records and bytes of one write, and bytes that may wait. */
  batch?: number
  batchBytes?: number
  maxBytes?: number
  /** For how long a write is tried again while the database is away, in milliseconds. */
  patienceMs?: number
}

/**
 * Group commit over all boards: a record goes at once when no write is under way, and what arrives meanwhile goes as one
 * write. Writes of unknown outcome are repeated; the records' ids make that harmless.
 */
export function createCommitter(options: CommitterOptions) {
  const { append, batch = 1_000, batchBytes = 12 * 1024 * 1024, maxBytes = 128 * 1024 * 1024 } = options
  const { patienceMs = 10_000 } = options
  let waiting: Waiting[] = []
  let bytes = 0
  let running = false

  function take(): Waiting[] {
    let count = 0
    let size = 0
    while (count < waiting.length && count < batch && (count === 0 || size < batchBytes)) {
      size += waiting[count++]!.record.data.length
    }
    const taken = waiting.slice(0, count)
    waiting = waiting.slice(count)
    return taken
  }

  async function write(records: Record[]) {
    const end = performance.now() + patienceMs
    for (let attempt = 0; ; attempt++) {
      try {
        return await append(records)
      } catch (error) {
        if (toAppError(error).code !== 'unavailable' || performance.now() > end) throw error
        await new Promise((done) => setTimeout(done, Math.min(50 * 2 ** attempt, 500)))
      }
    }
  }

  async function run() {
    while (waiting.length > 0) {
      const taken = take()
      try {
        await write(taken.map(({ record }) => record))
        for (const { resolve } of taken) resolve()
      } catch (error) {
        if (taken.length === 1) taken[0]!.reject(error)
        // One that MongoDB refuses must not take the others with it.
        else if (toAppError(error).code === 'unavailable') for (const { reject } of taken) reject(error)
        else for (const { record, resolve, reject } of taken) await write([record]).then(resolve, reject)
      }
      for (const { record } of taken) bytes -= record.data.length
      // Those who waited for this write add what they have next before the next one goes.
      await new Promise((done) => setImmediate(done))
    }
    running = false
  }

  return {
    /** Resolves once the record is stored. Throws `unavailable` where too much waits, or the database is away. */
    add(record: Record): Promise<void> {
      if (bytes > maxBytes) {
        return Promise.reject(new AppError('unavailable', 'Too much is waiting to be stored', { retryAfterMs: 1000 }))
      }
      bytes += record.data.length
      return new Promise((resolve, reject) => {
        waiting.push({ record, resolve, reject })
        if (running) return
        running = true
        // With all that this turn brings.
        setImmediate(() => void run())
      })
    },
    get bytes() {
      return bytes
    },
    async idle() {
      while (running) await new Promise((done) => setTimeout(done, 2))
    },
  }
}
