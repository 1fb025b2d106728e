import type { z } from 'zod'
import type { Actor, ScopeNeed } from './actor.ts'
import type { WireError } from './errors.ts'
import type { Rate } from './rate.ts'

/** The socket that an event came from, as handlers see it. */
export interface SocketHandle {
  id: string
  readonly connected: boolean
  /** Server rooms that this socket alone is in or out of, such as presence it watches. */
  join(rooms: string[]): void
  leave(rooms: string[]): void
  /** Tells this socket alone. */
  emit(event: string, payload: object): void
}

export interface EventContext<S> {
  actor: Actor
  services: S
  socket: SocketHandle
}

export interface EventDef<N extends string, P extends z.ZodType, A extends z.ZodType, S> {
  name: N
  summary: string
  /** What a bot's token must cover; people need none. Without one, bots are refused. */
  scope?: ScopeNeed
  rate: Rate
  payload: P
  ack: A
  handle(context: EventContext<S>, payload: z.output<P>): Promise<z.output<A>> | z.output<A>
}

export type AnyEvent<S> = EventDef<string, z.ZodType<any>, z.ZodType<any>, S>

/** Gives `defineEvent` for one set of services: declares a socket event once; see `EventDef`. */
export const eventDefiner =
  <S>() =>
  <const N extends string, P extends z.ZodType, A extends z.ZodType>(definition: EventDef<N, P, A, S>) =>
    definition

/** What every ack carries. */
export type Ack<T> = { ok: true; data: T } | { ok: false; error: WireError }

export interface EmissionDef<N extends string, P extends z.ZodType> {
  name: N
  summary: string
  payload: P
}

/** Declares an event that the server sends. */
export const defineEmission = <const N extends string, P extends z.ZodType>(definition: EmissionDef<N, P>) => definition

export type AnyEmission = EmissionDef<string, z.ZodType<any>>
