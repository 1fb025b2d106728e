import { type PhantomError, toPhantomError } from './errors.ts'
import type { ClientEvents, Id, ListenAction, ListenState } from './protocol.ts'
import type { ServerClock } from './server-clock.ts'

export interface ListeningOptions {
  request<E extends 'listen:start' | 'listen:control' | 'listen:get'>(
    event: E,
    payload: ClientEvents[E]['payload'],
  ): Promise<ClientEvents[E]['data']>
  clock: ServerClock
  /** A state that is newer than the last one of its room. */
  onState(state: ListenState): void
  onTrouble(error: PhantomError): void
}

/**
 * What the user's rooms listen to. Of each room the newest state counts, whether an event or an answer brought it; older
 * ones are dropped.
 */
export class Listening {
  readonly clock: ServerClock
  readonly #options: ListeningOptions
  readonly #states = new Map<Id, ListenState>()

  constructor(options: ListeningOptions) {
    this.#options = options
    this.clock = options.clock
  }

  /** Starts a track for all in a room, in place of what is listened to. */
  start(roomId: Id, audioFileId: Id, positionMs?: number): Promise<ListenState> {
    const place = positionMs === undefined ? {} : { positionMs }
    return this.#ask('listen:start', { roomId, audioFileId, ...place })
  }

  /** Plays on, pauses, seeks (to `positionMs`) or stops for all in a room. */
  control(roomId: Id, action: ListenAction, positionMs?: number): Promise<ListenState> {
    const place = positionMs === undefined ? {} : { positionMs }
    return this.#ask('listen:control', { roomId, action, ...place })
  }

  /** Asks what a room listens to; null where it never did. Once in a room one is told of each change by `listen:state`. */
  async fetch(roomId: Id): Promise<ListenState | null> {
    const state = await this.#options.request('listen:get', { roomId })
    if (state) this.take(state)
    return this.state(roomId)
  }

  /** The newest state known of a room; its `audioFileId` is null where that is over. */
  state(roomId: Id): ListenState | null {
    return this.#states.get(roomId) ?? null
  }

  /** Rooms in which something is listened to. */
  get active(): ListenState[] {
    return [...this.#states.values()].filter(({ audioFileId }) => audioFileId !== null)
  }

  /** Where the track is now, in milliseconds; null while that or the server's time is not known. */
  position(of: Id | ListenState): number | null {
    const state = typeof of === 'string' ? this.state(of) : of
    if (!state || state.audioFileId === null) return null
    const end = state.durationMs ?? Number.POSITIVE_INFINITY
    if (!state.playing) return Math.min(state.positionMs, end)
    const now = this.clock.now()
    return now === null ? null : Math.min(end, state.positionMs + Math.max(0, now - Date.parse(state.at)))
  }

  /** Takes a state in; what is no news is dropped. */
  take(state: ListenState): void {
    const known = this.#states.get(state.roomId)
    if (known && known.rev >= state.rev) return
    this.#states.set(state.roomId, state)
    this.#options.onState(state)
  }

  /** What ended while the connection was away is not told: it is asked for. */
  async connected(): Promise<void> {
    this.clock.connected()
    for (const { roomId } of this.active) {
      try {
        await this.fetch(roomId)
      } catch (error) {
        const reason = toPhantomError(error, 'internal')
        if (reason.code === 'closed') return
        if (reason.code === 'not_found' || reason.code === 'forbidden') this.forget(roomId)
        else this.#options.onTrouble(reason)
      }
    }
  }

  /** One is in the room no more. */
  forget(roomId: Id): void {
    this.#states.delete(roomId)
  }

  async #ask<E extends 'listen:start' | 'listen:control'>(
    event: E,
    payload: ClientEvents[E]['payload'],
  ): Promise<ListenState> {
    const state = (await this.#options.request(event, payload)) as ListenState
    this.take(state)
    return state
  }
}
