import type * as Y from 'yjs'
import { AppError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { Logger } from '../kernel/ports.ts'
import { AwarenessSender } from './awareness-sender.ts'
import type { BoardConnection } from './connection.ts'
import type { BoardDocument } from './document.ts'
import type { Message } from './exchange.ts'
import { BoardOutbox } from './outbox.ts'
import { frames, pack, unpack } from './protocol.ts'
import { RecentIds } from './recent-ids.ts'
import type { Record, StoredRecord } from './store.ts'
import { type Author, BrokenFrame, type Change, type Commit, closeCodes, Incomplete, TooLarge } from './types.ts'

/** What boards share. */
export interface BoardGround {
  instanceId: string
  logger: Logger
  append(record: Record): Promise<void>
  publish(projectId: string, message: Message): void
  committed(commit: Commit): void
  /** Takes in all that is stored; resolves with whether it could. */
  catchUp(board: Board): Promise<boolean>
  /** Takes in what was stored lately and is not here, as it is stored when this is called; resolves with whether it could. */
  look(board: Board): Promise<boolean>
}

/** Work that waits for its turn at the document. */
type Entry =
  | { type: 'update'; connection: BoardConnection; update: Uint8Array; isStep2: boolean }
  | {
      type: 'change'
      by: Author
      run(doc: Y.Doc): unknown
      resolve(outcome: unknown): void
      reject(error: unknown): void
    }

/** Entries, and bytes of them, that one commit takes; bytes that may wait. */
const batchEntries = 500
const batchBytes = 4 * 1024 * 1024
const maxQueueBytes = 64 * 1024 * 1024
/** A commit larger than this is not sent through Redis but read from MongoDB. */
const maxMessageBytes = 1024 * 1024
/**
 * A board's commits are apart by this much for each of its connections, in milliseconds, and at most by so much: what is
 * told to a crowd costs more than a write, so that it pays to wait for others' updates. Where more than so many updates
 * wait, there is nothing to wait for.
 */
const gapMs = 0.08
const longestGapMs = 8
const crowdedQueue = 32

/**
 * A board that is open here. Its document takes turns: at rest it is what is committed, and may be read and sent; then
 * what has come in is accepted, stored as one record, and only then passed on. While that is being stored, what comes in
 * waits for the next turn.
 */
export class Board {
  readonly projectId: string
  readonly document: BoardDocument
  readonly connections = new Set<BoardConnection>()
  /** When somebody last had to do with it. */
  usedAt = Date.now()
  editedAt = Date.now()
  compactedAt = Date.now()
  /** Records that no snapshot holds, about. */
  records: number
  /** Requests that hold it open. */
  holds = 0
  version: string | null
  catching: Promise<boolean> | null = null
  isClosed = false
  readonly awareness: AwarenessSender
  readonly #ground: BoardGround
  readonly #outbox: BoardOutbox
  /** Records that are in the document. */
  readonly #recent = new RecentIds()
  #queue: Entry[] = []
  #queueBytes = 0
  #atRest: (() => void)[] = []
  #isCommitting = false
  #isScheduled = false
  #turnTimer: NodeJS.Timeout | null = null
  /** When the last commit began. */
  #committedAt = 0
  #seq = 0
  #heard = new Map<string, number>()

  constructor(ground: BoardGround, projectId: string, document: BoardDocument, ids: string[], version: string | null) {
    this.#ground = ground
    this.projectId = projectId
    this.document = document
    this.records = ids.length
    this.version = version
    this.#recent.add(ids)
    this.awareness = new AwarenessSender({
      audience: () => this.connections.size,
      wake: () => this.#outbox.wake(),
      share: (entries) => ground.publish(projectId, { type: 'awareness', entries }),
    })
    this.#outbox = new BoardOutbox(this.connections, () => this.awareness.due())
  }

  get isIdle(): boolean {
    return (
      this.connections.size === 0 &&
      this.holds === 0 &&
      this.#queue.length === 0 &&
      this.#atRest.length === 0 &&
      !this.#isCommitting
    )
  }

  /** Runs `work` as soon as the document is what is committed: now, or when what is being stored is. */
  atRest(work: () => void): void {
    if (!this.#isCommitting && this.document.isAtRest) {
      work()
      return
    }
    this.#atRest.push(work)
    this.#schedule()
  }

  /** Queues a client's update. */
  submit(connection: BoardConnection, update: Uint8Array, isStep2: boolean): void {
    if (this.#queueBytes > maxQueueBytes) {
      connection.end(closeCodes.unavailable, 'too much is waiting')
      return
    }
    this.#enqueue({ type: 'update', connection, update, isStep2 }, update.length)
  }

  /** Queues a change of the server's. Throws what `run` throws, `unavailable`, and TooLarge. */
  transact<T>(by: Author, run: (doc: Y.Doc) => T): Promise<{ result: T; update: Uint8Array | null }> {
    if (this.isClosed || this.#queueBytes > maxQueueBytes) {
      return Promise.reject(new AppError('unavailable', 'The board is busy; try again', { retryAfterMs: 500 }))
    }
    return new Promise((resolve, reject) => {
      this.#enqueue({ type: 'change', by, run, resolve: resolve as (outcome: unknown) => void, reject }, 0)
    })
  }

  #enqueue(entry: Entry, bytes: number) {
    this.#queue.push(entry)
    this.#queueBytes += bytes
    this.usedAt = Date.now()
    this.#schedule()
  }

  /** One turn for all that this turn of the event loop brings; on a board with many people, that some of them bring. */
  #schedule() {
    if (this.#isScheduled || this.#isCommitting) return
    const wait = this.#queue.length < crowdedQueue && this.#atRest.length === 0 ? this.#gap() : 0
    if (wait >= 1) {
      this.#turnTimer ??= setTimeout(() => {
        this.#turnTimer = null
        this.#turn()
      }, wait)
      return
    }
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#turn()
    })
  }

  /** How long the next commit has to wait, in milliseconds. */
  #gap(): number {
    const gap = Math.min(longestGapMs, this.connections.size * gapMs)
    return this.#committedAt + gap - performance.now()
  }

  #rest() {
    const resting = this.#atRest
    this.#atRest = []
    for (const work of resting) this.#safely(work)
  }

  #turn() {
    if (this.#isCommitting) return
    this.#rest()
    const changes: Change[] = []
    const writers: (BoardConnection | null)[] = []
    const settled: (() => void)[] = []
    const failed: ((error: unknown) => void)[] = []
    let taken = 0
    let bytes = 0
    while (taken < this.#queue.length && changes.length < batchEntries && bytes < batchBytes) {
      const entry = this.#queue[taken++]!
      if (entry.type === 'change') {
        this.#accept(entry, changes, settled, failed)
        if (changes.length > writers.length) writers.push(null)
        continue
      }
      this.#queueBytes -= entry.update.length
      const change = this.#acceptUpdate(entry)
      if (!change) continue
      changes.push(change)
      writers.push(entry.connection)
      bytes += change.update.length
    }
    this.#queue = taken === this.#queue.length ? [] : this.#queue.slice(taken)
    if (changes.length > 0) void this.#commit(changes, writers, settled, failed)
    else if (this.#queue.length > 0 || this.#atRest.length > 0) this.#schedule()
  }

  /** Runs a change of the server's; where nothing came of it, it is answered at once. */
  #accept(
    { by, run, resolve, reject }: Entry & { type: 'change' },
    changes: Change[],
    settled: (() => void)[],
    failed: ((error: unknown) => void)[],
  ) {
    try {
      const { result, update, touched } = this.document.change(run)
      if (!update) {
        // What it saw may not be stored yet.
        settled.push(() => resolve({ result, update }))
        if (this.document.isAtRest) settled.pop()!()
        return
      }
      changes.push({ update, by, touched })
      settled.push(() => resolve({ result, update }))
      failed.push(reject)
    } catch (error) {
      reject(error instanceof TooLarge ? new AppError('too_large', 'The board is full', { cause: error }) : error)
    }
  }

  #acceptUpdate({ connection, update, isStep2 }: Entry & { type: 'update' }): Change | null {
    if (!connection.canWrite) return null
    try {
      const verdict = this.document.accept(update)
      if (verdict.type === 'gap') {
        connection.lacks(verdict.missing)
        return null
      }
      if (isStep2) connection.hasSynced((client) => this.document.clockOf(client))
      if (verdict.type === 'known') return null
      return { update, by: { userId: connection.user.id, name: connection.user.name }, touched: verdict.touched }
    } catch (error) {
      if (error instanceof BrokenFrame) connection.end(closeCodes.broken, error.message)
      else if (error instanceof TooLarge) connection.end(closeCodes.tooLarge, error.message)
      else if (error instanceof Incomplete) {
        // It comes again, with all that it has.
        connection.end(closeCodes.unavailable, error.message)
        void this.#ground.catchUp(this)
      } else this.fail(error)
      return null
    }
  }

  async #commit(
    changes: Change[],
    writers: (BoardConnection | null)[],
    settled: (() => void)[],
    failed: ((error: unknown) => void)[],
  ) {
    this.#isCommitting = true
    this.#committedAt = performance.now()
    const data = pack(changes.map(({ update }) => update))
    const record: Record = { id: newId(), projectId: this.projectId, data, by: this.#ground.instanceId }
    try {
      await this.#ground.append(record)
      // From here on the bytes are views into the one record.
      const updates = unpack(data)
      updates.forEach((update, index) => {
        changes[index]!.update = update
      })
      this.document.commit(updates)
      this.records++
      this.editedAt = Date.now()
      this.#recent.add([record.id])
      updates.forEach((update, index) => void this.#outbox.send(frames.update(update), writers[index]!))
      this.#tell({ id: record.id, updates }, data.length)
      for (const settle of settled) settle()
      this.#safely(() => this.#ground.committed({ projectId: this.projectId, changes, doc: this.document.open() }))
    } catch (error) {
      this.#ground.logger.warn({ err: error, projectId: this.projectId }, 'changes of a board could not be stored')
      this.document.rollBack()
      for (const reject of failed) reject(error)
      // Their clients still have what was not stored, and bring it when they come back.
      for (const writer of new Set(writers)) writer?.end(closeCodes.unavailable, 'it could not be stored')
    } finally {
      this.#isCommitting = false
    }
    this.#rest()
    if (this.#queue.length > 0) this.#schedule()
  }

  #tell(record: StoredRecord, bytes: number) {
    const seq = ++this.#seq
    if (bytes > maxMessageBytes) this.#ground.publish(this.projectId, { type: 'stored', seq, ids: [record.id] })
    else this.#ground.publish(this.projectId, { type: 'records', seq, records: [record] })
  }

  /** Takes in what another instance says. */
  hear(sender: string, message: Message): void {
    switch (message.type) {
      case 'records':
      case 'stored': {
        const last = this.#heard.get(sender)
        this.#heard.set(sender, message.seq)
        if (message.type === 'records') this.take(message.records)
        if (message.type === 'stored' || (last !== undefined && message.seq > last + 1)) void this.#ground.catchUp(this)
        return
      }
      case 'awareness':
        this.awareness.receiveShared(sender, message.entries)
        return
      case 'opened':
        this.awareness.shareAll()
        return
      case 'removed':
        this.close(closeCodes.missing, 'the project is gone')
    }
  }

  /** Applies records that are stored, those that are not here yet, and passes them on to the sockets here. */
  take(records: StoredRecord[]): void {
    const fresh = records.filter(({ id }) => !this.#recent.has(id))
    if (fresh.length === 0 || this.isClosed) return
    const updates = fresh.flatMap((record) => record.updates)
    const isWhole = this.document.applyStored(updates)
    this.records += fresh.length
    this.editedAt = Date.now()
    this.#recent.add(fresh.map(({ id }) => id))
    for (const update of updates) this.#outbox.send(frames.update(update), null)
    if (!isWhole) void this.#ground.catchUp(this)
  }

  /** Takes in what was stored lately; resolves with whether all that is stored is here now. */
  look(): Promise<boolean> {
    return this.#ground.look(this)
  }

  has(id: string): boolean {
    return this.#recent.has(id)
  }

  /** The stored bytes don't fit together: nobody can go on here. */
  fail(error: unknown): void {
    this.#ground.logger.error({ err: error, projectId: this.projectId }, 'a board can’t be read')
    this.close(closeCodes.failed, 'the board can’t be read')
  }

  /** Ends all connections. What waits is refused; what is being stored is stored. */
  close(code: (typeof closeCodes)[keyof typeof closeCodes], reason: string): void {
    this.isClosed = true
    for (const entry of this.#queue.splice(0)) {
      if (entry.type === 'change')
        entry.reject(new AppError('unavailable', 'The board was closed', { retryAfterMs: 500 }))
    }
    this.#queueBytes = 0
    for (const connection of [...this.connections]) connection.end(code, reason)
    this.awareness.stop()
    if (this.#turnTimer) clearTimeout(this.#turnTimer)
    this.#turnTimer = null
  }

  /** Resolves when nothing waits to be stored or sent. */
  async idle(): Promise<void> {
    while (this.#isCommitting || this.#queue.length > 0 || !this.#outbox.isEmpty || this.#isScheduled) {
      await new Promise((done) => setTimeout(done, 2))
    }
  }

  #safely(work: () => void) {
    try {
      work()
    } catch (error) {
      this.#ground.logger.error({ err: error, projectId: this.projectId }, 'work at a board failed')
    }
  }
}
