/**
 * What a fault run writes down, and all that the checker reads: plain data. Times are milliseconds of one
 * monotonic clock, as every client of a run lives in one process.
 */

/** `room:<roomId>` or `dm:<userId>:<userId>`, the two ids in order. */
export type LogId = string

export const roomLog = (roomId: string): LogId => `room:${roomId}`
export const dmLog = (a: string, b: string): LogId => (a < b ? `dm:${a}:${b}` : `dm:${b}:${a}`)

/** What a change says, reduced to what a rev fixes (so without read marks and times). */
export interface Body {
  kind: 'message' | 'member' | 'room'
  /** The message's id, the member's user id, or the room's id. */
  id: string
  senderId?: string
  clientId?: string
  content?: string
  seq?: number
  system?: boolean
  deleted?: boolean
  pinned?: boolean
  /** `emoji/userId`, sorted. */
  reactions?: string[]
  change?: string
}

export interface Change {
  rev: number
  body: Body
}

/** One line in what a client was given for one log; `conn` counts its connections. */
export type Entry =
  /** `ready` named the log with this rev (null: it did not name it). */
  | { type: 'open'; at: number; conn: number; rev: number | null }
  /** The user came into the room while connected (`room:joined`, or the ack of its own joining). */
  | { type: 'joined'; at: number; conn: number; rev: number | null }
  | { type: 'left'; at: number; conn: number }
  | { type: 'live'; at: number; conn: number; rev: number; prevRev: number | null; body: Body }
  /** One answer to `log:sync` from `from`; `rev` is how far it reaches. */
  | {
      type: 'sync'
      at: number
      conn: number
      startedAt: number
      from: number
      rev: number
      more: boolean
      changes: Change[]
    }
  /** `log:sync` answered with an error for this log. */
  | { type: 'refused'; at: number; conn: number; startedAt: number; code: string }
  | { type: 'close'; at: number; conn: number }

/** Everything one client (a device: it keeps its cursors over reconnections) was given of one log. */
export interface Trace {
  client: string
  userId: string
  log: LogId
  entries: Entry[]
}

type Outcome = 'open' | 'ok' | 'error' | 'closed'

/** One emission of an operation, or one REST request. */
export interface Attempt {
  client: string
  at: number
  /** When the answer came or the connection ended; null while neither has happened. */
  end: number | null
  outcome: Outcome
  code?: string
  message?: string
  /** Of an ok answer with a message in it. */
  id?: string
  rev?: number
  seq?: number
  content?: string
  clientId?: string
}

export type OpKind =
  | 'send'
  | 'edit'
  | 'delete'
  | 'react'
  | 'pin'
  | 'invite'
  | 'remove'
  | 'join'
  | 'leave'
  | 'read'
  | 'sync'
  | 'history'
  | 'create'

/** What a user wanted done, with each attempt at it. */
export interface Op {
  kind: OpKind
  userId: string
  log: LogId
  clientId?: string
  content?: string
  messageId?: string
  emoji?: string
  on?: boolean
  /** The user who is invited, removed, joins or leaves. */
  targetId?: string
  /** A repeated clientId with other content: the only right answer is `conflict`. */
  expectConflict?: boolean
  /** The load wanted an answer and, with every fault over, got none within its bound. */
  unanswered?: boolean
  attempts: Attempt[]
}

/** One log as a fresh client read it from one instance after the run. */
export interface FinalLog {
  instance: string
  log: LogId
  source: 'sync' | 'history'
  changes: Change[]
}

export interface RoomRecord {
  log: LogId
  ownerId: string
  /** Members from the creation on. */
  initialIds: string[]
  /** Members whom nobody ever removes, and who never leave. */
  permanentIds: string[]
}

/** A refused handshake that named a code, a `session:revoked`, an instance that ended by itself, or a client that
 * could not catch up in the end. */
interface Notice {
  at: number
  client: string
  kind: 'refused' | 'revoked' | 'crashed' | 'stuck'
  code: string
}

export interface History {
  rooms: RoomRecord[]
  ops: Op[]
  traces: Trace[]
  finals: FinalLog[]
  notices: Notice[]
  /** The app is known to have no `log:sync`: that it refuses it is not held against it. */
  stock: boolean
  /** From here on there were no faults, everybody was up to date, and no client asked for a sync. */
  quietAt: number | null
  endedAt: number
}

/** An empty history, to be filled. */
export const createHistory = (): History => ({
  rooms: [],
  ops: [],
  traces: [],
  finals: [],
  notices: [],
  stock: false,
  quietAt: null,
  endedAt: 0,
})
