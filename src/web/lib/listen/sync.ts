/** How far an element may be off before its rate is changed, and from where on it is right again; in seconds. */
const looseness = 0.015
const closeness = 0.004
/** From here on it seeks. */
const seekFrom = 0.15
/** Nobody hears a change of rate up to here. */
const mostRate = 0.02
/** The time in which an error is made good, as long as `mostRate` lets it. */
const settleSeconds = 2.5
/** At least so long between two seeks. */
const seekPauseSeconds = 1.5
const mostLead = 1.5
/** Errors looked at together: their middle counts, as single ones jump. */
const window = 3

export interface Correction {
  /** The rate to play at. */
  rate: number
  /** Where to seek to, in seconds; null: nowhere. */
  seekTo: number | null
}

/**
 * Keeps a media element where it should be: small errors by its rate, large ones by seeking. A seek goes ahead by as
 * much as the last ones came late. All times are in seconds.
 */
export class Follower {
  #errors: number[] = []
  #isCorrecting = false
  #soughtAt = Number.NEGATIVE_INFINITY
  /** A seek of which it is not known yet how late it came. */
  #isFresh = false
  #lead = 0.05

  /** How far the element is behind, by the middle of the last looks; negative where it is ahead. */
  get error(): number {
    const sorted = [...this.#errors].sort((a, b) => a - b)
    return sorted[Math.floor(sorted.length / 2)] ?? 0
  }

  /** What to do at `now` (a steady clock) with an element that is at `actual` and should be at `expected`. */
  correct(expected: number, actual: number, now: number): Correction {
    this.#errors.push(expected - actual)
    if (this.#errors.length > window) this.#errors.shift()
    const isKnown = this.#errors.length >= window
    const { error } = this
    if (this.#isFresh && isKnown) {
      this.#isFresh = false
      this.#lead = Math.max(0, Math.min(mostLead, this.#lead + error))
    }
    const canSeek = now - this.#soughtAt >= seekPauseSeconds
    if (Math.abs(error) >= seekFrom && canSeek && (isKnown || Math.abs(error) > 1)) {
      return { rate: 1, seekTo: this.sought(expected, now) }
    }
    if (Math.abs(error) > looseness) this.#isCorrecting = true
    else if (Math.abs(error) < closeness) this.#isCorrecting = false
    const part = this.#isCorrecting ? Math.max(-mostRate, Math.min(mostRate, error / settleSeconds)) : 0
    return { rate: 1 + part, seekTo: null }
  }

  /** A seek is begun, to where `expected` will be when it is done; returns that. */
  sought(expected: number, now: number): number {
    this.#errors = []
    this.#isCorrecting = false
    this.#isFresh = true
    this.#soughtAt = now
    return expected + this.#lead
  }

  /** What was known of the errors holds no more: it stood still, or the state is another. */
  forget(): void {
    this.#errors = []
    this.#isCorrecting = false
    this.#isFresh = false
  }
}
