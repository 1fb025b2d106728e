import { type Change, type LogKey, toPage } from './changes.ts'
import type { StoredCursor } from './cursor-store.ts'
import type { PhantomError } from './errors.ts'
import type { FollowedLog, LogFollower } from './log-follower.ts'
import type { MessageSight } from './message-sight.ts'
import type { SyncedLog } from './protocol.ts'
import { Gate, sleep } from './waiting.ts'

interface Position {
  /** The last change taken out. */
  rev: number
  sight: MessageSight
  /** Changes passed while the buffer was full: they are fetched again from `rev`. */
  lagging: boolean
}

export interface FeedOptions<T> {
  follower: LogFollower
  /** One log's changes after `rev`; waits for a connection; rejects only when the client is closed. */
  fetch: (log: LogKey, rev: number) => Promise<SyncedLog | undefined>
  /** Most changes that wait for the consumer. */
  limit: number
  /** What becomes of a change, undefined to pass over it; called once a change, in order. */
  pick: (change: Change, sight: MessageSight) => T | undefined
  /** The consumer asks for more: it is done with what it had. */
  onTurn: () => void
  onEnd: () => void
}

/**
 * The changes of all logs as an async iterator. A consumer too slow for the buffer loses nothing: the buffer is let go,
 * and the logs are read again from where it stands. Asking for the next value tells that the last one is dealt with.
 */
export class Feed<T> implements AsyncIterableIterator<T, undefined> {
  readonly #options: FeedOptions<T>
  readonly #positions = new Map<LogKey, Position>()
  readonly #wake = new Gate()
  #queue: Change[] = []
  #inHand: { log: LogKey; cursor: StoredCursor } | null = null
  #ended: { error: PhantomError | null } | null = null
  #tail: Promise<unknown> = Promise.resolve()

  constructor(options: FeedOptions<T>) {
    this.#options = options
    for (const [key, log] of options.follower.logs) this.open(key, log)
  }

  /** A log that the follower begins to follow. */
  open(key: LogKey, { cursor, sight }: FollowedLog): void {
    if (this.#positions.has(key) && this.#waitsFor(key)) return
    this.#positions.set(key, { rev: cursor.rev, sight: sight.clone(), lagging: false })
  }

  /** What waits of a dropped log is still given out; no more will be fetched. */
  drop(key: LogKey): void {
    if (!this.#waitsFor(key)) this.#positions.delete(key)
    const position = this.#positions.get(key)
    if (position) position.lagging = false
  }

  push(change: Change): void {
    const position = this.#positions.get(change.log)
    if (this.#ended || !position || position.lagging) return
    if (this.#queue.length >= this.#options.limit) {
      for (const waiting of [...this.#queue, change]) {
        const passed = this.#positions.get(waiting.log)
        if (passed) passed.lagging = true
      }
      this.#queue = []
    } else {
      this.#queue.push(change)
    }
    this.#wake.open()
  }

  /** Ends the iteration: with what waits still given out and then an error, or at once without one. */
  end(error: PhantomError | null): void {
    if (this.#ended) return
    this.#ended = { error }
    if (!error) this.#queue = []
    this.#wake.open()
    this.#options.onEnd()
  }

  /** Up to where the consumer has dealt with a log, or null where this feed does not hold it back. */
  position(key: LogKey): StoredCursor | null {
    if (this.#inHand?.log === key) return this.#inHand.cursor
    const position = this.#positions.get(key)
    return position ? toStored(position) : null
  }

  next(): Promise<IteratorResult<T, undefined>> {
    // One at a time, in the order asked, as an async generator does.
    const result = this.#tail.then(() => this.#next())
    this.#tail = result.catch(() => undefined)
    return result
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.end(null)
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async #next(): Promise<IteratorResult<T, undefined>> {
    this.#inHand = null
    this.#options.onTurn()
    for (;;) {
      const change = this.#queue.shift()
      if (change) {
        const value = this.#take(change)
        if (value !== undefined) return { done: false, value }
        continue
      }
      if (this.#ended?.error) throw this.#ended.error
      if (this.#ended) return { done: true, value: undefined }
      const lagging = [...this.#positions].find(([, position]) => position.lagging)
      if (lagging) {
        await this.#refill(...lagging)
      } else {
        this.#wake.shut()
        await this.#wake.wait()
      }
    }
  }

  #take(change: Change): T | undefined {
    const position = this.#positions.get(change.log)
    if (!position || change.rev <= position.rev) return undefined
    const before = toStored(position)
    position.rev = change.rev
    const value = this.#options.pick(change, position.sight)
    if (value !== undefined) this.#inHand = { log: change.log, cursor: before }
    return value
  }

  /** Reads one page of a lagging log; it is live again once it stands where the follower does. */
  async #refill(key: LogKey, position: Position): Promise<void> {
    const { follower } = this.#options
    const synced = await this.#options.fetch(key, position.rev)
    if (this.#ended || !position.lagging) return
    if (!synced || synced.error) {
      this.#positions.delete(key)
      return
    }
    const page = toPage(synced, follower.userId ?? '')
    // Between here and the end nothing is awaited: no change can slip past between the page and being live.
    this.#queue.push(...page.changes)
    const reached = Math.max(position.rev, page.rev)
    const head = follower.logs.get(key)?.cursor.rev ?? reached
    if (!page.more && reached >= head) position.lagging = false
    else if (page.changes.length > 0) return
    else if (reached > position.rev) position.rev = reached
    // The instance that answered has not heard yet of what another one has sent us.
    else await sleep(100)
  }

  #waitsFor(key: LogKey): boolean {
    return this.#queue.some((change) => change.log === key)
  }
}

function toStored({ rev, sight }: { rev: number; sight: MessageSight }): StoredCursor {
  return { rev, seq: sight.base, since: sight.since }
}
