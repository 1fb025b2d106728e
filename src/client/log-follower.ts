import { type Change, firstSeq, isSending, keyOf, type LogKey, messageOf, refOf, toChange, toPage } from './changes.ts'
import type { StoredCursors } from './cursor-store.ts'
import { Emitter } from './emitter.ts'
import { isTransient, type PhantomError, toPhantomError } from './errors.ts'
import { LogCursor } from './log-cursor.ts'
import { MessageSight } from './message-sight.ts'
import type { ClientEvents, Id, LogRef, Ready, SyncedLog, Timestamp } from './protocol.ts'
import { type Backoff, backoffDelay, sleep } from './waiting.ts'

export interface FollowedLog {
  cursor: LogCursor<Change>
  sight: MessageSight
}

export type SyncPayload = ClientEvents['log:sync']['payload']
export type LogSync = (payload: SyncPayload) => Promise<ClientEvents['log:sync']['data']>

interface FollowerEvents {
  change: Change
  opened: { log: LogKey; rev: number }
  /** The server does not give this log to this user any more. */
  dropped: { log: LogKey; code: string }
  /** Whether any log is waiting for a sync. */
  syncing: boolean
  trouble: PhantomError
}

/** Logs asked for in one `log:sync`, and changes in one page of it. */
const logsPerSync = 50
const changesPerPage = 200
/** Emissions kept from before `ready` has told who we are. */
const earlyLimit = 1_000

/** Follows all of the user's logs: opens, syncs and drops their cursors, and gives out their changes in order. */
export class LogFollower {
  readonly events = new Emitter<FollowerEvents>()
  readonly logs = new Map<LogKey, FollowedLog>()
  readonly #sync: LogSync
  readonly #backoff: Backoff
  #userId: Id | null = null
  #since: Timestamp = ''
  #connected: AbortController | null = null
  #early: { event: string; payload: unknown }[] = []
  #running = false
  #stored: StoredCursors | null = null

  constructor(sync: LogSync, backoff: Backoff) {
    this.#sync = sync
    this.#backoff = backoff
  }

  /** Before the first connection: continues from these cursors, where they are the user's who turns out to be connected. */
  resume(stored: StoredCursors | null): void {
    this.#stored = stored
  }

  get userId(): Id | null {
    return this.#userId
  }

  /** Any log that is not up to date. */
  get syncing(): boolean {
    for (const { cursor } of this.logs.values()) if (cursor.behind) return true
    return false
  }

  /** A connection is ready: everything missed since the last one is synced. */
  connected(ready: Ready): void {
    const resuming = this.#begin(ready)
    for (const log of this.logs.values()) log.cursor.fallBehind()
    for (const room of ready.rooms) {
      // A room that was joined while away starts here: what is older is its history.
      this.#meet(`room:${room.id}`, room.rev, room.rev, room.seq ?? null)
    }
    for (const conversation of ready.conversations) {
      // A conversation that began while away is news from its first message on.
      this.#meet(
        `dm:${conversation.userId}`,
        conversation.rev,
        resuming ? 0 : conversation.rev,
        conversation.seq ?? null,
      )
    }
    const early = this.#early
    this.#early = []
    for (const { event, payload } of early) this.take(event, payload)
    this.#run()
  }

  disconnected(): void {
    this.#connected?.abort()
    this.#connected = null
    this.#early = []
    for (const log of this.logs.values()) log.cursor.fallBehind()
  }

  /** Takes an emission; returns false where it is not a change of a log. */
  take(event: string, payload: unknown): boolean {
    const isChange = toChange(event, payload, this.#userId ?? '') !== null
    if (!this.#connected) {
      // Only before `ready`: what overflows comes again with the sync that `ready` begins.
      if (isChange && this.#early.length < earlyLimit) this.#early.push({ event, payload })
      return isChange
    }
    if (event === 'room:joined') this.#joined(payload as { id: Id; rev?: number; seq?: number })
    if (event === 'room:left') this.drop(`room:${(payload as { roomId: Id }).roomId}`, 'left')
    const change = toChange(event, payload, this.#userId ?? '')
    if (!change) return false
    // The first sign of a log, as a new conversation: it begins with this change.
    const log = this.logs.get(change.log) ?? this.#open(change.log, change.prevRev ?? change.rev - 1, firstSeq(change))
    this.#give(log, log.cursor.takeLive(change))
    if (log.cursor.behind) this.#run()
    return true
  }

  /** Starts following a room from the rev at which it was joined, unless it is followed already. */
  #joined(room: { id: Id; rev?: number; seq?: number }): void {
    const log = this.logs.get(`room:${room.id}`)
    if (!log) {
      if (room.rev !== undefined) this.#open(`room:${room.id}`, room.rev, room.seq ?? null)
    } else if (room.rev !== undefined && room.rev > log.cursor.rev) {
      log.cursor.fallBehind()
      this.#run()
    }
  }

  /** As `room:joined` does, for the ack of one's own joining. */
  join(room: { id: Id; rev?: number; seq?: number }): void {
    if (this.#connected) this.#joined(room)
  }

  drop(log: LogKey, code: string): void {
    if (this.logs.delete(log)) this.events.emit('dropped', { log, code })
  }

  /** Takes over who we are and, the first time, the stored cursors; returns whether this continues an earlier following. */
  #begin(ready: Ready): boolean {
    const resuming = this.#userId !== null
    this.#connected?.abort()
    this.#connected = new AbortController()
    if (resuming) return true
    this.#userId = ready.userId
    this.#since = ready.serverTime
    const stored = this.#stored
    this.#stored = null
    if (stored?.userId !== ready.userId) return false
    for (const [key, { rev, seq, since }] of Object.entries(stored.logs)) {
      this.#add(key as LogKey, rev, new MessageSight(seq, since))
    }
    return true
  }

  #meet(key: LogKey, serverRev: number, startRev: number, serverSeq: number | null): void {
    const known = this.logs.get(key)
    const log = known ?? this.#open(key, startRev, startRev === 0 ? 0 : serverSeq)
    log.cursor.compareHead(serverRev)
  }

  #open(key: LogKey, rev: number, seq: number | null): FollowedLog {
    return this.#add(key, rev, new MessageSight(seq, this.#since))
  }

  #add(key: LogKey, rev: number, sight: MessageSight): FollowedLog {
    const log = { cursor: new LogCursor<Change>(rev), sight }
    this.logs.set(key, log)
    this.events.emit('opened', { log: key, rev })
    return log
  }

  #give(log: FollowedLog, changes: Change[]): void {
    for (const change of changes) {
      const message = messageOf(change)
      if (message) log.sight.see(message, isSending(change))
      this.events.emit('change', change)
    }
  }

  #run(): void {
    if (this.#running) return
    this.#running = true
    this.events.emit('syncing', true)
    void this.#catchUp()
  }

  /** Syncs until no log is behind, in rounds over all that are; ends when the connection does. */
  async #catchUp(): Promise<void> {
    let idle = 0
    for (;;) {
      const connected = this.#connected
      const behind = [...this.logs].filter(([, log]) => log.cursor.behind)
      if (!connected || behind.length === 0) break
      let progress = false
      for (let i = 0; i < behind.length && !connected.signal.aborted; i += logsPerSync) {
        progress = (await this.#syncBatch(behind.slice(i, i + logsPerSync), connected.signal)) || progress
      }
      idle = progress ? 0 : idle + 1
      // A failed sync, or a hole that the server does not fill yet.
      if (idle > 0) await sleep(backoffDelay(idle, this.#backoff), connected.signal)
    }
    this.#running = false
    this.events.emit('syncing', false)
  }

  async #syncBatch(batch: [LogKey, FollowedLog][], signal: AbortSignal): Promise<boolean> {
    const from = new Map(batch.map(([key, { cursor }]) => [key, cursor.rev]))
    let answer: { logs: SyncedLog[] }
    try {
      answer = await this.#sync({
        logs: [...from].map(([key, rev]) => ({ ...refOf(key), rev })),
        limit: changesPerPage,
      })
    } catch (error) {
      const reason = toPhantomError(error, 'internal')
      if (!signal.aborted && !isTransient(reason)) this.events.emit('trouble', reason)
      if (!signal.aborted && reason.retryAfterMs) await sleep(reason.retryAfterMs, signal)
      return false
    }
    // Answers of an ended connection may be older than what has been synced since.
    if (signal.aborted) return false
    let progress = false
    for (const synced of answer.logs) progress = this.#takeAnswer(synced, from) || progress
    return progress
  }

  #takeAnswer(synced: SyncedLog, from: Map<LogKey, number>): boolean {
    const key = keyOf(synced as LogRef)
    const log = this.logs.get(key)
    const asked = from.get(key)
    if (!log || asked === undefined) return false
    if (synced.error) {
      this.drop(key, synced.error.code)
      return true
    }
    const page = toPage(synced, this.#userId ?? '')
    const before = log.cursor.rev
    this.#give(log, log.cursor.takePage(asked, page))
    return log.cursor.rev > before || !log.cursor.behind
  }
}
