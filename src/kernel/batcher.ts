import { AppError } from './errors.ts'

interface Waiting<I, R> {
  item: I
  resolve(result: R): void
  reject(error: unknown): void
}

/**
 * Group commit for anything: runs at once when idle, and collects what arrives while a run is under way into the
 * next one. `run` gets the items in order and returns a result for each (an Error is that item's rejection).
 * At most `limit` items wait; more are refused with `unavailable`.
 */
export function createBatcher<I, R>(
  run: (items: I[]) => Promise<(R | Error)[]>,
  { limit = 20_000, batch = 1_000, pauseMs = 0 } = {},
) {
  const waiting: Waiting<I, R>[] = []
  let running = false

  async function drain() {
    running = true
    while (waiting.length > 0) {
      // A pause trades delay for fewer, larger runs where the caller does not wait for the answer.
      if (pauseMs > 0) await new Promise((done) => setTimeout(done, pauseMs))
      const taken = waiting.splice(0, batch)
      try {
        const results = await run(taken.map((entry) => entry.item))
        taken.forEach((entry, index) => {
          const result = results[index]
          if (result instanceof Error) entry.reject(result)
          else entry.resolve(result as R)
        })
      } catch (error) {
        for (const entry of taken) entry.reject(error)
      }
    }
    running = false
  }

  return {
    /** Adds an item; resolves with its result after the run that held it. */
    add(item: I): Promise<R> {
      if (waiting.length >= limit) {
        return Promise.reject(
          new AppError('unavailable', 'Too much is waiting to be stored; try again', { retryAfterMs: 1000 }),
        )
      }
      return new Promise<R>((resolve, reject) => {
        waiting.push({ item, resolve, reject })
        if (!running) void drain()
      })
    },
    get waiting() {
      return waiting.length
    },
    /** Resolves when nothing waits or runs. */
    async idle() {
      while (running) await new Promise((done) => setTimeout(done, 5))
    },
  }
}
