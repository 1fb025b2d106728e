import type { Change, LogKey } from './changes.ts'
import type { PhantomError } from './errors.ts'
import type { ClientEvents, Id, ServerEmissions } from './protocol.ts'

export type ClientState = 'connecting' | 'syncing' | 'live' | 'offline' | 'closed'

/** What the client tells of itself, besides what the server emits. */
export interface LocalEvents {
  /** `reason` and `retryInMs` with `offline`, `reason` with a `closed` that was not asked for. */
  state: { state: ClientState; previous: ClientState; reason?: PhantomError; retryInMs?: number }
  /** Any change of any log, in order, each once. */
  change: Change
  'log:opened': { log: LogKey; rev: number }
  /** A log that may not be seen any more: `code` is the server's, or `left`. */
  'log:dropped': { log: LogKey; code: string }
  /** What went wrong in the background; it is tried again. */
  trouble: PhantomError
}

export type ClientEmissions = ServerEmissions & LocalEvents

export interface RequestOptions {
  timeoutMs?: number
  signal?: AbortSignal
}

export interface SendOptions {
  /** Names the message, 1 to 64 characters: sending it again under the same name stores it once. */
  clientId?: string
  signal?: AbortSignal
  /** How long it is tried, in milliseconds. */
  deadlineMs?: number
}

export type RoomSendOptions = SendOptions &
  Omit<ClientEvents['room:send']['payload'], 'roomId' | 'clientId' | 'content'>

export interface MessageFilter {
  /** Only these rooms, and no direct messages. */
  rooms?: Id[]
  /** One's own messages too, from whichever device. */
  own?: boolean
}
