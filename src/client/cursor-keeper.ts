import type { LogKey } from './changes.ts'
import type { CursorStore, StoredCursor, StoredCursors } from './cursor-store.ts'
import type { LogFollower } from './log-follower.ts'

/** Saves are gathered for this long. */
const delayMs = 250

/** Writes to the store how far each log has been dealt with: what a consumer still holds counts as not seen. */
export class CursorKeeper {
  readonly #store: CursorStore
  readonly #follower: LogFollower
  readonly #consumers: Iterable<{ position(log: LogKey): StoredCursor | null }>
  readonly #onError: (error: unknown) => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #saving: Promise<void> = Promise.resolve()
  #closed = false

  constructor(
    store: CursorStore,
    follower: LogFollower,
    consumers: Iterable<{ position(log: LogKey): StoredCursor | null }>,
    onError: (error: unknown) => void,
  ) {
    this.#store = store
    this.#follower = follower
    this.#consumers = consumers
    this.#onError = onError
  }

  /** Something moved: save soon. */
  touch(): void {
    if (this.#closed) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#save()
    }, delayMs)
  }

  /** Saves a last time. */
  async close(): Promise<void> {
    if (this.#closed) return this.#saving
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#save()
  }

  #save(): Promise<void> {
    const cursors = this.#snapshot()
    if (!cursors) return this.#saving
    // One at a time, so that an older save can't end up over a newer one.
    this.#saving = this.#saving.then(() => this.#store.save(cursors)).catch(this.#onError)
    return this.#saving
  }

  #snapshot(): StoredCursors | null {
    const { userId, logs } = this.#follower
    if (userId === null) return null
    const kept: Record<LogKey, StoredCursor> = {}
    for (const [key, { cursor, sight }] of logs) {
      let least: StoredCursor = { rev: cursor.rev, seq: sight.base, since: sight.since }
      for (const consumer of this.#consumers) {
        const position = consumer.position(key)
        if (position && position.rev < least.rev) least = position
      }
      kept[key] = least
    }
    return { userId, logs: kept }
  }
}
