/** For how long ids are kept to know what was seen, in milliseconds; longer than `since` looks back. */
const keptMs = 120_000

/** Ids of records that are in a document already, the latest of them. */
export class RecentIds {
  /** With when they came, oldest first. */
  readonly #seenAt = new Map<string, number>()

  has(id: string): boolean {
    return this.#seenAt.has(id)
  }

  add(ids: string[]): void {
    const now = Date.now()
    for (const id of ids) this.#seenAt.set(id, now)
    for (const [id, at] of this.#seenAt) {
      if (now - at < keptMs) break
      this.#seenAt.delete(id)
    }
  }
}
