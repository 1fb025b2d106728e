/** What one client saw of one log: the checker of the reconnect measure. */
export class Ledger {
  readonly seen = new Map<number, string>()
  private readonly seenLive = new Set<number>()
  cursor: number
  private lastLive = 0
  twice = 0
  reordered = 0

  constructor(rev: number) {
    this.cursor = rev
  }

  /** A live change of this connection. */
  live(rev: number, key: string): void {
    // A sync may have told of it already; what must not be is that it comes live a second time.
    if (this.seenLive.has(rev)) this.twice++
    else if (rev < this.lastLive) this.reordered++
    this.lastLive = Math.max(rev, this.lastLive)
    this.seenLive.add(rev)
    this.seen.set(rev, key)
  }

  /** The changes of one `log:sync` answer: ascending, above the cursor that was asked for; it may overlap what came live. */
  synced(changes: { rev: number; key: string }[]): void {
    let last = this.cursor
    for (const { rev, key } of changes) {
      if (rev <= last) this.reordered++
      last = rev
      const known = this.seen.get(rev)
      if (known !== undefined && known !== key) this.twice++
      this.seen.set(rev, key)
    }
  }

  /** A new connection: its live changes start anew, the cursor is the last rev below which nothing is missing. */
  reconnect(): void {
    this.lastLive = 0
    while (this.seen.has(this.cursor + 1)) this.cursor++
  }

  /** Revs missing below the highest seen. */
  gaps(): number {
    let gaps = 0
    let highest = this.cursor
    for (const rev of this.seen.keys()) highest = Math.max(highest, rev)
    for (let rev = this.cursor + 1; rev <= highest; rev++) if (!this.seen.has(rev)) gaps++
    return gaps
  }
}
