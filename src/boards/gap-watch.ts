import type { Board } from './board.ts'
import type { BoardConnection } from './connection.ts'
import { closeCodes } from './types.ts'

/** Updates without their predecessors that are forgiven a client which owes nothing, and one that is yet to answer. */
const mostGaps = 3
const mostEarly = 5_000
/** What the ping behind a question carries. */
const gapPing = 'gap'
/** A timer that is later than this tells that this process stood still, and nothing of a client; in milliseconds. */
const stillMs = 1_000

/** Judges a connection whose updates build on what the board lacks: it is asked for that, and ended if it brings it not. */
export class GapWatch {
  readonly #connection: BoardConnection
  readonly #board: Board
  readonly #resyncMs: number
  readonly #ask: () => void
  /** What it is to bring; `isHeard` once it has answered a ping that went behind the question. */
  #gap: { missing: Map<number, number>; isHeard: boolean } | null = null
  #timer: NodeJS.Timeout | undefined
  #gaps = 0
  #early = 0
  #isBlamed = false

  /** `resyncMs` is for how long it may take to bring what is missing; `ask` asks it for all that it has. */
  constructor(connection: BoardConnection, board: Board, resyncMs: number, ask: () => void) {
    this.#connection = connection
    this.#board = board
    this.#resyncMs = resyncMs
    this.#ask = ask
  }

  /**
   * An update builds on what is missing: asks for it, a few times. `isEarly` where it is yet to answer a question: who
   * comes in may have been writing for a while before it learns what is missing here.
   */
  lacks(missing: Map<number, number>, isEarly: boolean): void {
    if (this.#isBlamed) return
    if (isEarly ? ++this.#early > mostEarly : ++this.#gaps > mostGaps) {
      if (this.#gap) this.#gap.missing = missing
      else this.#gap = { missing, isHeard: true }
      this.#blame()
      return
    }
    if (!isEarly) this.#board.atRest(this.#ask)
    if (this.#gap) this.#gap.missing = missing
    else {
      this.#gap = { missing, isHeard: false }
      this.#wait()
      this.#board.atRest(() => {
        if (this.#connection.state.type === 'live') this.#connection.ws.ping(gapPing)
      })
    }
  }

  /** It has answered a ping. */
  hears(pong: Buffer): void {
    if (!this.#gap || this.#gap.isHeard || pong.toString() !== gapPing) return
    this.#gap.isHeard = true
    this.#wait()
  }

  /** The client has told all that it has: what was missing must be there now. */
  hasSynced(clockOf: (client: number) => number): void {
    if (!this.#gap) return
    for (const [client, clock] of this.#gap.missing) {
      if (clockOf(client) <= clock) {
        this.#blame()
        return
      }
    }
    this.stop()
    this.#gaps = 0
    this.#early = 0
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#gap = null
  }

  /**
   * Ends who does not bring what is missing: as broken where it has heard the question, else so that it comes again, as
   * it may be the network that is slow.
   */
  #wait() {
    const gap = this.#gap
    if (!gap) return
    clearTimeout(this.#timer)
    const due = performance.now() + this.#resyncMs
    this.#timer = setTimeout(() => {
      if (performance.now() - due > stillMs) this.#wait()
      else if (gap.isHeard) this.#blame()
      else this.#connection.end(closeCodes.unavailable, 'it does not answer')
    }, this.#resyncMs)
    this.#timer.unref()
  }

  /**
   * Ends who did not bring what is missing. What another instance has stored may be on its way here, and its clients have
   * seen it: such a one is to come again, and only what is stored nowhere is the client's own fault.
   */
  #blame() {
    const connection = this.#connection
    const board = this.#board
    if (connection.state.type !== 'live' || this.#isBlamed) return
    const missing = this.#gap?.missing ?? new Map<number, number>()
    this.#isBlamed = true
    connection.hush()
    clearTimeout(this.#timer)
    void board.look().then((isRead) => {
      const lacks = [...missing].some(([client, clock]) => board.document.clockOf(client) <= clock)
      // Others' edits, which it can only have got from a board, are to be had again by coming again.
      const isOwn = connection.clientId === null || missing.has(connection.clientId)
      if (isRead && lacks && isOwn) connection.end(closeCodes.broken, 'updates without their predecessors')
      else connection.end(closeCodes.unavailable, 'the board was behind')
    })
  }
}
