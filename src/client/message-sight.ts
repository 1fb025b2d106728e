/** More seqs than this above a hole, and the hole is taken for passed: the set stays bounded whatever the server does. */
const maxAbove = 1_000

/**
 * Which messages of a log have been seen, by `seq`. A message sent and then edited while the client was away comes once,
 * as an edit: only its unseen seq tells that it is new. Kept as "all up to `base`" and the few seen above it.
 */
export class MessageSight {
  #base: number | null
  #above: Set<number>
  readonly #since: string

  /**
   * `base`: the last seq before following began; where unknown (null), what was sent after the time `since` is new.
   */
  constructor(base: number | null, since: string, above: Iterable<number> = []) {
    this.#base = base
    this.#since = since
    this.#above = new Set(above)
  }

  /** All messages up to this seq have been seen; null while unknown. */
  get base(): number | null {
    return this.#base
  }

  get since(): string {
    return this.#since
  }

  clone(): MessageSight {
    return new MessageSight(this.#base, this.#since, this.#above)
  }

  /** Notes a message and returns whether it is seen for the first time. `isSending`: the change is its sending. */
  see(message: { seq: number; sentAt: string }, isSending: boolean): boolean {
    const { seq } = message
    if (this.#above.has(seq)) return false
    if (this.#base === null ? !isSending && message.sentAt <= this.#since : seq <= this.#base) return false
    this.#above.add(seq)
    if (this.#above.size > maxAbove) this.#base = Math.min(...this.#above) - 1
    if (this.#base !== null) while (this.#above.delete(this.#base + 1)) this.#base += 1
    return true
  }
}
