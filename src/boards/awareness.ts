import type { SharedEntry } from './exchange.ts'
import type { AwarenessEntry } from './protocol.ts'
import { BrokenFrame, TooLarge } from './types.ts'

/** Clients renew their state every 15 s, and forget others' after 30 s without; in milliseconds. */
const outdatedMs = 27_000
const maxStateBytes = 32 * 1024
/** States that a board holds at most; beyond them new ones are dropped. */
const maxStates = 5_000

/** A connection as awareness sees it: whose it is, and the one client id that it may speak for. */
export interface Speaker {
  readonly user: { id: string; name: string }
  clientId: number | null
}

interface State {
  clock: number
  state: string
  userId: string
  /** The connection here, or the instance elsewhere, that it comes from. */
  from: Speaker | string
  /** When it was last renewed. */
  at: number
}

/**
 * The awareness of a board. A connection speaks for one client id, the first that it names and nobody else holds; what
 * it says for others is dropped, as stock clients echo what they hear. The server says who the person is.
 */
export class BoardAwareness {
  #states = new Map<number, State>()
  /** Changed since the last `take`; with those of this instance apart, for the others. */
  #changed = new Map<number, AwarenessEntry>()
  #shared = new Map<number, SharedEntry>()

  get size(): number {
    return this.#states.size
  }

  get hasChanged(): boolean {
    return this.#changed.size > 0
  }

  /** Takes in what a connection says. Throws BrokenFrame for what is no state, TooLarge for too large a one. */
  receive(speaker: Speaker, entries: AwarenessEntry[], now: number): void {
    for (const { clientId, clock, state } of entries) {
      const held = this.#states.get(clientId)
      if (speaker.clientId !== null && speaker.clientId !== clientId) continue
      if (held && held.from !== speaker) {
        // The same person may come back over another connection, with news; an echo has none.
        if (held.userId !== speaker.user.id || clock <= held.clock) continue
        if (typeof held.from !== 'string') held.from.clientId = null
      }
      if (held && clock < held.clock) continue
      if (held && clock === held.clock && state !== 'null') continue
      if (!held && this.#states.size >= maxStates) continue
      const named = withUser(state, speaker.user)
      if (named === null) {
        if (held) this.#drop(clientId, clock)
        continue
      }
      speaker.clientId = clientId
      const entry = { clientId, clock, state: named }
      this.#states.set(clientId, { clock, state: named, userId: speaker.user.id, from: speaker, at: now })
      this.#changed.set(clientId, entry)
      this.#shared.set(clientId, { ...entry, userId: speaker.user.id })
    }
  }

  /** Takes in what another instance says of its clients. */
  receiveShared(instance: string, entries: SharedEntry[], now: number): void {
    for (const { clientId, clock, state, userId } of entries) {
      const held = this.#states.get(clientId)
      if (state === 'null') {
        if (held?.from === instance) {
          this.#states.delete(clientId)
          this.#changed.set(clientId, { clientId, clock: Math.max(clock, held.clock), state })
        }
        continue
      }
      if (held && (held.userId !== userId || clock < held.clock)) continue
      if (held && typeof held.from !== 'string') {
        if (clock === held.clock) continue
        held.from.clientId = null
      }
      if (!held && this.#states.size >= maxStates) continue
      const isNew = held?.clock !== clock || held.state !== state
      this.#states.set(clientId, { clock, state, userId, from: instance, at: now })
      if (isNew) this.#changed.set(clientId, { clientId, clock, state })
    }
  }

  /** A connection is gone, and its state with it. */
  leave(speaker: Speaker): void {
    const { clientId } = speaker
    if (clientId === null) return
    const held = this.#states.get(clientId)
    if (held?.from === speaker) this.#drop(clientId, held.clock)
    speaker.clientId = null
  }

  /** Lets go of states that nobody has renewed. */
  sweep(now: number): void {
    for (const [clientId, held] of this.#states) {
      if (now - held.at > outdatedMs) this.#drop(clientId, held.clock)
    }
  }

  /** All states, for one who comes in. */
  all(): AwarenessEntry[] {
    return [...this.#states].map(([clientId, { clock, state }]) => ({ clientId, clock, state }))
  }

  /** The states of clients of this instance. */
  own(): SharedEntry[] {
    return [...this.#states].flatMap(([clientId, { clock, state, userId, from }]) =>
      typeof from === 'string' ? [] : [{ clientId, clock, state, userId }],
    )
  }

  /** What has changed since it was last taken: for sockets here, and for other instances. */
  take(): { changed: AwarenessEntry[]; shared: SharedEntry[] } {
    const taken = { changed: [...this.#changed.values()], shared: [...this.#shared.values()] }
    this.#changed.clear()
    this.#shared.clear()
    return taken
  }

  #drop(clientId: number, clock: number) {
    const held = this.#states.get(clientId)
    if (!held) return
    this.#states.delete(clientId)
    const entry = { clientId, clock: Math.max(clock, held.clock), state: 'null' }
    if (typeof held.from !== 'string') {
      held.from.clientId = null
      this.#shared.set(clientId, { ...entry, userId: held.userId })
    }
    this.#changed.set(clientId, entry)
  }
}

/** The state with the person's name in it; null for the end of one. */
function withUser(text: string, user: { id: string; name: string }): string | null {
  if (text.length > maxStateBytes) throw new TooLarge('an awareness state is too large')
  let state: unknown
  try {
    state = JSON.parse(text)
  } catch (error) {
    throw new BrokenFrame('an awareness state is not JSON', { cause: error })
  }
  if (state === null) return null
  if (typeof state !== 'object' || Array.isArray(state)) throw new BrokenFrame('an awareness state is not an object')
  return JSON.stringify({ ...state, user: { id: user.id, name: user.name } })
}
