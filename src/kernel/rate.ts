/** At most `points` calls in `seconds`, for each caller. */
export interface Rate {
  points: number
  seconds: number
}

/** The few classes that declarations choose from, so that a limit is written in one place. */
export const rates = {
  /** Reading a page, a snapshot, a document. */
  read: { points: 1200, seconds: 60 },
  /** Writing what others see: generous for people, a bound for runaway bots. */
  write: { points: 600, seconds: 60 },
  /** Sending messages. */
  send: { points: 300, seconds: 10 },
  /** Signals that cost little and come often: typing, reading marks. */
  signal: { points: 1200, seconds: 60 },
  /** Costly for the server: password hashing, mails. */
  costly: { points: 300, seconds: 60 },
  /** Guesses of a secret that failed, for each secret and address. */
  guess: { points: 10, seconds: 300 },
} as const satisfies Record<string, Rate>

/** Counts calls by name and caller; one for routes and socket events. */
export interface RateLimiter {
  /** Takes a point. Throws `rate_limited` with `retryAfterMs` when none is left. */
  consume(name: string, rate: Rate, key: string): Promise<void>
  /** Throws as `consume` would, and takes nothing. */
  check(name: string, rate: Rate, key: string): Promise<void>
  /** Gives all points back, as after a right guess. */
  forgive(name: string, rate: Rate, key: string): Promise<void>
}
