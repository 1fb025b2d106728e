/** One entry of a log as it is stored. What else it holds (`content`, `body` …) is its kind's own. */
export interface LogRecord {
  _id: string
  logId: string
  /** The number of the entry's newest change in its log: 1, 2, 3, … */
  rev: number
  /** The rev that it had at first. */
  firstRev: number
  /** How many messages the log held at `rev`. */
  logSeq: number
  /** The entry's number among the messages, where it is one. */
  seq?: number
  kind: string
  /** Name of the newest change. */
  event: string
  senderId: string
  clientId?: string
  fingerprint?: string
  at: Date
  [field: string]: unknown
}

/** Where a log ends: its newest rev and its number of messages. */
export interface Head {
  rev: number
  seq: number
}

/** A new entry, before it has its place. */
export interface Draft {
  id: string
  kind: string
  event: string
  senderId: string
  /** Makes the append idempotent for this sender and log. */
  clientId?: string
  /** Of the content, to tell a repeat from another entry under the same clientId. */
  fingerprint?: string
  /** Whether it is a message and takes a seq. */
  counts: boolean
  body: Record<string, unknown>
}

/** One step of a write: all steps of a write happen in order, up to the first that can't. */
export type WriteStep =
  | { type: 'insert'; record: LogRecord }
  | { type: 'replace'; id: string; fromRev: number; record: LogRecord; set: Record<string, unknown>; changeId: string }

/**
 * How far a write came. The first `done` steps are durable, but for the `stale` ones among them: their entry had
 * changed since it was read, and nothing was written. The step after them was refused: its rev is or
 * was taken (also where the entry there has moved on since), its clientId or id is, or it can never be stored.
 */
export interface WriteOutcome {
  done: number
  stale: number[]
  stopped?: 'rev' | 'clientId' | 'id' | 'invalid'
  cause?: unknown
}

/** Runs inside the transaction of an append, so that both happen or neither. */
export type Within<T> = (session: T) => Promise<void>

/** What makes an append idempotent. */
export interface ClientKey {
  logId: string
  senderId: string
  clientId: string
}

/** What the log needs of a database. All reads see only what is majority-committed. */
export interface LogStore<Session = unknown> {
  heads(logIds: string[]): Promise<Map<string, Head>>
  /** Entries with a rev above `rev`, ascending. */
  after(logId: string, rev: number, limit: number): Promise<LogRecord[]>
  byIds(ids: string[]): Promise<LogRecord[]>
  byClientId(logId: string, senderId: string, clientId: string): Promise<LogRecord | null>
  /** Those of the keys that are stored, in any order. */
  byClientIds(keys: ClientKey[]): Promise<LogRecord[]>
  /** Majority and journalled. Throws where the outcome is not known. */
  write(steps: WriteStep[]): Promise<WriteOutcome>
  /** Several inserts and `within` in one transaction: all or nothing. */
  writeTogether(records: LogRecord[], within: Within<Session>): Promise<WriteOutcome>
}

/** Derived facts that presenting an entry needs and that are not stored in it, such as who has seen it. */
export type Context = unknown

export interface Rendered {
  event: string
  /** Holds `rev` at least. */
  payload: Record<string, unknown>
}

/** What a kind of log does with its entries; the log itself knows nothing of rooms or people. */
export interface LogKind<State = any> {
  /** Loads what folding all entries so far has made; may already hold newer ones. */
  open(logIds: string[]): Promise<Map<string, State>>
  /** Folds an entry; idempotent. Runs in rev order, before the entry is delivered. */
  apply(state: State, record: LogRecord): void
  /** Gathers the contexts of entries that are not fresh from a write. */
  prepare(records: LogRecord[]): Promise<Context[]>
  /**
   * An entry as an event. `since` is the receiver's last rev: an entry first made after it is new to the receiver,
   * whatever its last change was.
   */
  render(record: LogRecord, since: number, context: Context | undefined): Rendered
  /** Sends to this instance's sockets; `record` is missing where another instance sent the encoded event alone. */
  deliver(logId: string, packet: string): void
  /** Acts on the entry after it was delivered, such as letting sockets in or out. */
  settle(live: LiveView<State>, record: LogRecord): void
  /** Whether others must read the entry itself: its packet alone does not tell them all. */
  isControl(record: LogRecord): boolean
  /** Whether sockets on this instance wait for a log that is not open here. */
  wanted(logId: string): boolean
}

/** An open log on this instance: all up to `rev` is applied and delivered here. */
export interface LiveView<State = any> {
  readonly logId: string
  readonly rev: number
  readonly seq: number
  readonly state: State
}
