import type { Database } from '../../infra/mongo.ts'
import type { Logger } from '../../kernel/ports.ts'

/** How many looks at MongoDB's clock are kept: the quickest of them counts. */
const kept = 12
/** Looks at the start, so that the first answers are good already. */
const first = 3

interface Look {
  /** How far MongoDB's clock is ahead of this process's steady one, in milliseconds. */
  offset: number
  roundTrip: number
}

/**
 * The time that all instances share, from whichever of them a client asks: MongoDB's clock, as estimated by the steady
 * clock of this process and regular looks, of which the one with the shortest round trip counts (as in NTP, RFC 5905).
 */
export function createSharedClock(deps: { database: Database; logger: Logger; everyMs?: number }) {
  const { database, logger, everyMs = 5_000 } = deps
  const looks: Look[] = []
  let offset = Date.now() - performance.now()
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> | null = null

  async function look() {
    const sent = performance.now()
    const { localTime } = await database.command({ hello: 1 })
    const received = performance.now()
    // It is told in whole milliseconds, cut off.
    looks.push({ offset: (localTime as Date).getTime() + 0.5 - (sent + received) / 2, roundTrip: received - sent })
    if (looks.length > kept) looks.shift()
    offset = looks.reduce((best, each) => (each.roundTrip < best.roundTrip ? each : best)).offset
  }

  function lookOnce(): Promise<void> {
    looking ??= look()
      .catch((error) =>
        logger.warn({ err: error }, 'the shared clock could not be looked at; going on by the last look'),
      )
      .finally(() => {
        looking = null
      })
    return looking
  }

  return {
    /** Milliseconds since the epoch, with fractions. */
    now: (): number => performance.now() + offset,
    async start() {
      for (let count = 0; count < first; count++) await lookOnce()
      timer = setInterval(() => void lookOnce(), everyMs)
      timer.unref()
    },
    async close() {
      clearInterval(timer)
      await looking
    },
  }
}

export type SharedClock = ReturnType<typeof createSharedClock>
