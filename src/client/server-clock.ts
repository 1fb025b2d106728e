import type { ClientEvents } from './protocol.ts'
import { type Gate, sleep } from './waiting.ts'

interface Look {
  /** How far the server's clock is ahead of this process's steady one, in milliseconds. */
  offset: number
  roundTrip: number
  at: number
}

/** Looks in quick succession at the start and after each break, and the pause between them in milliseconds. */
const burst = 8
const burstPauseMs = 60
const pauseMs = 5_000
/** How many looks are kept. */
const kept = 24
/** How far a steady clock may go wrong, as a part: what makes an old look worth less than its round trip says. */
const drift = 1e-4
/** How long the clock is kept right after it was last asked. */
const wantedMs = 60_000
/** When the two clocks of this process part by more than this, the machine has slept. */
const sleptMs = 1_000

export interface ServerClockOptions {
  ask: (payload: ClientEvents['time:sync']['payload']) => Promise<ClientEvents['time:sync']['data']>
  /** Open while connected. */
  up: Gate
  /** Aborted when the client closes. */
  over: AbortSignal
  /** This process's steady clock, in milliseconds; another one for tests. */
  steady?: () => number
  /** The clock on its wall, in milliseconds. */
  wall?: () => number
}

/**
 * The server's time, as NTP (RFC 5905) estimates it: each look gives an offset that is wrong by at most half its round
 * trip, so the look with the shortest counts, an old one less. The clock on the wall here plays no part. It looks only
 * while somebody asks for the time.
 */
export class ServerClock {
  readonly #options: Required<ServerClockOptions>
  #looks: Look[] = []
  #quick = burst
  #wantedUntil = Number.NEGATIVE_INFINITY
  #isRunning = false
  #skew: number
  #waiters: (() => void)[] = []

  constructor(options: ServerClockOptions) {
    this.#options = { steady: () => performance.now(), wall: () => Date.now(), ...options }
    this.#skew = this.#options.wall() - this.#options.steady()
  }

  /** Milliseconds since the epoch by the server's clock; null while it is not known. */
  now(): number | null {
    this.#want()
    const best = this.#best()
    return best && this.#options.steady() + best.offset
  }

  /** The most by which `now` is wrong, in milliseconds; null while it is not known. */
  get uncertaintyMs(): number | null {
    const best = this.#best()
    return best && this.#scoreOf(best)
  }

  /** Resolves once the time is known by several looks, or when the client closes. */
  async ready(): Promise<void> {
    this.#want()
    if (this.#looks.length >= burst || this.#options.over.aborted) return
    await new Promise<void>((resolve) => this.#waiters.push(resolve))
  }

  /** A new connection: the way to the server may be another. */
  connected(): void {
    this.#quick = burst
  }

  #want(): void {
    const { steady, wall, over } = this.#options
    const skew = wall() - steady()
    if (Math.abs(skew - this.#skew) > sleptMs) {
      this.#looks = []
      this.#quick = burst
    }
    this.#skew = skew
    this.#wantedUntil = steady() + wantedMs
    if (!this.#isRunning && !over.aborted) void this.#run()
  }

  async #run(): Promise<void> {
    const { steady, up, over, ask } = this.#options
    this.#isRunning = true
    while (!over.aborted && steady() < this.#wantedUntil) {
      await up.wait(over)
      if (over.aborted) break
      try {
        const t0 = steady()
        const { t1, t2 } = await ask({ t0 })
        const t3 = steady()
        this.#looks.push({ offset: (t1 - t0 + t2 - t3) / 2, roundTrip: Math.max(0, t3 - t0 - (t2 - t1)), at: t3 })
        if (this.#looks.length > kept) this.#looks.shift()
        this.#quick = Math.max(0, this.#quick - 1)
        if (this.#looks.length >= burst) this.#wake()
      } catch {
        // Without a connection, or too often: the last looks stay good, and the next one is not far.
        this.#quick = Math.min(this.#quick, 1)
      }
      await sleep(this.#quick > 0 ? burstPauseMs : pauseMs, over)
    }
    this.#isRunning = false
    if (over.aborted) this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake()
  }

  #scoreOf({ roundTrip, at }: Look): number {
    return roundTrip / 2 + (this.#options.steady() - at) * drift
  }

  #best(): Look | null {
    let best: Look | null = null
    for (const look of this.#looks) if (!best || this.#scoreOf(look) < this.#scoreOf(best)) best = look
    return best
  }
}
