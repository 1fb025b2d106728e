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
} as const satisfies Record<string, Rate>
