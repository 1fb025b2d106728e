import { isTransient, PhantomError } from './errors.ts'
import type { ClientEvents } from './protocol.ts'
import { type Backoff, backoffDelay, type Gate, sleep } from './waiting.ts'

export type SendEvent = 'room:send' | 'dm:send'

export interface OutboxOptions {
  call: <E extends SendEvent>(event: E, payload: ClientEvents[E]['payload']) => Promise<ClientEvents[E]['data']>
  /** Open while there is a connection. */
  up: Gate
  backoff: Backoff
  /** Most sends that may wait. */
  limit: number
}

interface Item {
  /** One try: settles the item, or rejects with the error. */
  attempt: () => Promise<void>
  reject: (error: unknown) => void
  /** Aborted once the item is settled, by whatever way. */
  over: AbortController
}

/**
 * What is to be sent, in order within each log: one at a time is on its way, and tried again with the same `clientId`
 * until the server has answered for good, so that it is stored once.
 */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #lanes = new Map<string, Item[]>()
  #size = 0
  #closed: PhantomError | null = null

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /** How many sends wait for their answer. */
  get size(): number {
    return this.#size
  }

  /**
   * Resolves with the stored message. Rejects with the server's error, `queue_full`, `timeout` after `deadlineMs`,
   * `closed`, or the signal's reason; after the last three the server may have stored it all the same.
   */
  send<E extends SendEvent>(
    lane: string,
    event: E,
    payload: ClientEvents[E]['payload'],
    { signal, deadlineMs }: { signal?: AbortSignal; deadlineMs: number },
  ): Promise<ClientEvents[E]['data']> {
    if (this.#closed) return Promise.reject(this.#closed)
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.#size >= this.#options.limit) {
      return Promise.reject(new PhantomError('queue_full', `${this.#size} messages wait to be sent already`))
    }
    return new Promise((resolve, reject) => {
      const over = new AbortController()
      const settle = () => {
        clearTimeout(deadline)
        signal?.removeEventListener('abort', aborted)
        over.abort()
      }
      const item: Item = {
        over,
        attempt: async () => {
          const data = await this.#options.call(event, payload)
          settle()
          resolve(data)
        },
        reject: (error) => {
          settle()
          reject(error)
        },
      }
      const aborted = () => item.reject(signal!.reason)
      signal?.addEventListener('abort', aborted)
      const late = () => item.reject(new PhantomError('timeout', `not sent within ${deadlineMs} ms`))
      const deadline = setTimeout(late, Math.min(deadlineMs, 2 ** 31 - 1))
      this.#add(lane, item)
    })
  }

  /** Rejects everything that waits, and all that follows. */
  close(error: PhantomError): void {
    this.#closed ??= error
    for (const items of this.#lanes.values()) for (const item of [...items]) item.reject(error)
  }

  #add(lane: string, item: Item): void {
    this.#size += 1
    const items = this.#lanes.get(lane)
    if (items) {
      items.push(item)
      // An item given up while it waits frees its place at once.
      item.over.signal.addEventListener('abort', () => this.#remove(items, item))
      return
    }
    const started = [item]
    this.#lanes.set(lane, started)
    item.over.signal.addEventListener('abort', () => this.#remove(started, item))
    void this.#run(lane, started)
  }

  #remove(items: Item[], item: Item): void {
    const at = items.indexOf(item)
    if (at < 0) return
    items.splice(at, 1)
    this.#size -= 1
  }

  async #run(lane: string, items: Item[]): Promise<void> {
    for (let item = items[0]; item; item = items[0]) await this.#deliver(item)
    this.#lanes.delete(lane)
  }

  /** Tries one item until it is settled. */
  async #deliver(item: Item): Promise<void> {
    const { up, backoff } = this.#options
    const over = item.over.signal
    for (let attempt = 0; !over.aborted; attempt += 1) {
      await up.wait(over)
      if (over.aborted) return
      try {
        await item.attempt()
      } catch (error) {
        if (!isTransient(error)) return item.reject(error)
        const { code, retryAfterMs } = error as PhantomError
        // After a disconnect the next connection is what to wait for, and its own delay has jitter already.
        if (code !== 'disconnected') await sleep((retryAfterMs ?? 0) + backoffDelay(attempt, backoff), over)
      }
    }
  }
}
