import { BoardAwareness, type Speaker } from './awareness.ts'
import type { SharedEntry } from './exchange.ts'
import { type AwarenessEntry, awarenessBody, frames } from './protocol.ts'

/**
 * Awareness goes out at once, and then at most this often, in milliseconds: more seldom where more look on, as each
 * sending costs a write for each of them. A cursor that moves twenty times a second still looks to be moving.
 */
const everyMs = (connections: number) => Math.min(50, Math.max(20, 2.5 * connections))

export interface AwarenessSenderGround {
  /** How many connections it is sent to. */
  audience(): number
  /** Sends what is due, by way of `due`, in a moment. */
  wake(): void
  /** Tells the other instances. */
  share(entries: SharedEntry[]): void
}

/** The awareness of a board, with when it is told: what cursors do within a moment goes out together. */
export class AwarenessSender {
  readonly #ground: AwarenessSenderGround
  /** Made when somebody says something: most boards that are open have none. */
  #awareness: BoardAwareness | null = null
  #timer: NodeJS.Timeout | null = null
  #sentAt = 0

  constructor(ground: AwarenessSenderGround) {
    this.#ground = ground
  }

  /** Takes in what a connection says. Throws as BoardAwareness does. */
  receive(speaker: Speaker, entries: AwarenessEntry[]): void {
    this.#states().receive(speaker, entries, Date.now())
    this.#spread()
  }

  /** Takes in what another instance says of its clients. */
  receiveShared(instance: string, entries: SharedEntry[]): void {
    this.#states().receiveShared(instance, entries, Date.now())
    this.#spread()
  }

  /** A connection is gone, and its state with it. */
  leave(speaker: Speaker): void {
    this.#awareness?.leave(speaker)
    this.#spread()
  }

  /** Lets go of states that nobody has renewed. */
  sweep(now: number): void {
    this.#awareness?.sweep(now)
    this.#spread()
  }

  /** Tells the other instances all states of clients here. */
  shareAll(): void {
    const entries = this.#awareness?.own() ?? []
    if (entries.length > 0) this.#ground.share(entries)
  }

  /** All states as one frame, for one who comes in; null where there are none. */
  frame(): Buffer | null {
    const entries = this.#awareness?.all() ?? []
    return entries.length > 0 ? frames.awareness(awarenessBody(entries)) : null
  }

  /** What has changed as one frame, where its time has come; other instances are told of it as well. */
  due(): Buffer | null {
    if (!this.#awareness?.hasChanged || this.#timer) return null
    this.#sentAt = performance.now()
    const { changed, shared } = this.#awareness.take()
    if (shared.length > 0) this.#ground.share(shared)
    return frames.awareness(awarenessBody(changed))
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
  }

  #states(): BoardAwareness {
    this.#awareness ??= new BoardAwareness()
    return this.#awareness
  }

  /** Has what has changed sent, at once or a moment after the last time. */
  #spread() {
    if (!this.#awareness?.hasChanged || this.#timer) return
    const wait = this.#sentAt + everyMs(this.#ground.audience()) - performance.now()
    if (wait <= 0) {
      // With all that this turn brings.
      this.#ground.wake()
      return
    }
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#ground.wake()
    }, wait)
  }
}
