export interface Backoff {
  /** Upper end of the first delay, in milliseconds. */
  baseMs: number
  /** Upper end of every delay, in milliseconds. */
  maxMs: number
}

/**
 * Delay before attempt `attempt` (0, 1, 2, …), in milliseconds: exponential with full jitter, so that clients cut off
 * together do not come back together.
 */
export function backoffDelay(attempt: number, { baseMs, maxMs }: Backoff, random: () => number = Math.random): number {
  return random() * Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30))
}

/** Resolves after `ms` milliseconds, or at once when the signal aborts; it never rejects. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const finish = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    // Node's timers overflow beyond 2^31 - 1 ms and would then fire at once.
    const timer = setTimeout(finish, Math.min(ms, 2 ** 31 - 1))
    signal?.addEventListener('abort', finish)
  })
}

/** A door that many may wait at: `wait` resolves once it is open, or when the signal aborts; it never rejects. */
export class Gate {
  #open = false
  #waiters = new Set<() => void>()

  get isOpen(): boolean {
    return this.#open
  }

  open(): void {
    this.#open = true
    const waiters = this.#waiters
    this.#waiters = new Set()
    for (const wake of waiters) wake()
  }

  shut(): void {
    this.#open = false
  }

  wait(signal?: AbortSignal): Promise<void> {
    if (this.#open || signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const finish = () => {
        this.#waiters.delete(finish)
        signal?.removeEventListener('abort', finish)
        resolve()
      }
      this.#waiters.add(finish)
      signal?.addEventListener('abort', finish)
    })
  }
}

/** Settles as the promise does, or rejects with the signal's reason where that comes first. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort)
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
    if (signal.aborted) abort()
  })
}
