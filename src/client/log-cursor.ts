/** What the cursor needs to know of a change. */
export interface Revised {
  rev: number
  /** The rev that the server gave this socket before it; absent means `rev - 1`. */
  prevRev: number | undefined
}

export interface SyncPage<C extends Revised> {
  changes: C[]
  /** The rev up to which the page is complete. */
  rev: number
  more: boolean
}

/**
 * How far one log has been followed. Fed with live changes and `log:sync` pages in whatever order they come, it gives
 * out each change once, in rev order, none missing but those superseded by a later change of the same message.
 *
 * It is `live` while changes follow on each other, and `behind` from a disconnect or a hole until a sync has closed it;
 * live changes that come meanwhile are held, at most `holdLimit` of them: beyond that they are let go, and another sync
 * fetches them.
 */
export class LogCursor<C extends Revised> {
  #rev: number
  #behind = false
  #held: C[] = []
  #overflowed = false
  readonly #holdLimit: number

  constructor(rev: number, holdLimit = 256) {
    this.#rev = rev
    this.#holdLimit = holdLimit
  }

  /** The rev of the last change given out, or past which nothing is missing. */
  get rev(): number {
    return this.#rev
  }

  /** Whether a sync from `rev` is needed. */
  get behind(): boolean {
    return this.#behind
  }

  /** The socket is gone or newly connected: changes may have passed unseen. What was held comes again with the sync. */
  fallBehind(): void {
    this.#behind = true
    this.#held = []
    this.#overflowed = false
  }

  /** A new connection's server names the head of the log: where that is the cursor, nothing was missed. */
  compareHead(rev: number): void {
    this.fallBehind()
    this.#behind = rev !== this.#rev
  }

  /** Takes a live change and returns what is to be given out now: it, or nothing. */
  takeLive(change: C): C[] {
    if (change.rev <= this.#rev) return []
    if (!this.#behind && this.#follows(change)) {
      this.#rev = change.rev
      return [change]
    }
    this.#behind = true
    this.#hold(change)
    return []
  }

  /**
   * Takes the answer to a `log:sync` asked from `from` and returns what is to be given out now, with the held changes
   * that follow on it. Afterwards `behind` tells whether to ask again.
   */
  takePage(from: number, page: SyncPage<C>): C[] {
    // A page that starts beyond the cursor would leave a hole unseen.
    if (!this.#behind || from > this.#rev) return []
    const given: C[] = []
    for (const change of page.changes) this.#give(change, given)
    this.#rev = Math.max(this.#rev, page.rev)
    if (page.more) return given
    const held = this.#held.sort((a, b) => a.rev - b.rev)
    let next = 0
    while (next < held.length && (held[next]!.rev <= this.#rev || this.#follows(held[next]!))) {
      this.#give(held[next]!, given)
      next += 1
    }
    this.#held = held.slice(next)
    this.#behind = this.#overflowed || this.#held.length > 0
    this.#overflowed = false
    return given
  }

  #give(change: C, given: C[]): void {
    if (change.rev <= this.#rev) return
    this.#rev = change.rev
    given.push(change)
  }

  #follows(change: C): boolean {
    return (change.prevRev ?? change.rev - 1) <= this.#rev
  }

  #hold(change: C): void {
    if (this.#overflowed) return
    if (this.#held.length >= this.#holdLimit) {
      this.#overflowed = true
      this.#held = []
      return
    }
    this.#held.push(change)
  }
}
