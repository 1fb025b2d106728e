import type * as Y from 'yjs'
import type { Database } from '../infra/mongo.ts'
import { AppError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { ChannelBus, Logger } from '../kernel/ports.ts'
import { Board, type BoardGround } from './board.ts'
import { createCommitter } from './committer.ts'
import { compact } from './compaction.ts'
import { createComparison } from './comparison.ts'
import { BoardDocument } from './document.ts'
import { decodeMessage, encodeMessage, type Message } from './exchange.ts'
import { pack } from './protocol.ts'
import { createBoardStore } from './store.ts'
import { createThreads } from './threads.ts'
import { type Author, BrokenFrame, type Commit, closeCodes } from './types.ts'

export interface BoardTimes {
  /** How often what MongoDB holds is compared with what is open here. */
  compareMs: number
  /** How long a board stays open with nobody at it. */
  idleMs: number
  /** How long a Y.Doc stays without being changed. */
  restMs: number
  /** Age below which records are not compacted. */
  compactAgeMs: number
}

export interface BoardsDeps {
  database: Database
  channels: ChannelBus
  logger: Logger
  /** Largest state of a board, in bytes. */
  maxBytes: number
  /** What a board begins with. */
  initial(projectId: string): Promise<Uint8Array>
  times?: Partial<BoardTimes>
}

export interface BoardStats {
  open: number
  connections: number
  /** Bytes that wait to be stored. */
  waitingBytes: number
  committed: number
  compacted: number
}

export type Boards = ReturnType<typeof createBoards>

const standardTimes: BoardTimes = { compareMs: 2_500, idleMs: 30_000, restMs: 10_000, compactAgeMs: 30_000 }
const maxOpen = 50_000
/** Records after which an open board is compacted, and one that closes. */
const openRecords = 1_000
const closedRecords = 20
/** A Y.Doc is let go at rest where its state is at most so large; a larger one takes too long to build again. */
const shrinkBytes = 128 * 1024
const empty = new Uint8Array([0, 0])

/** The boards that are open on this instance, and all ways to them. */
export function createBoards({ database, channels, logger, maxBytes, initial, times: given }: BoardsDeps) {
  const times = { ...standardTimes, ...given }
  const instanceId = newId()
  const store = createBoardStore(database)
  const threads = createThreads()
  const committer = createCommitter({ append: (records) => store.append(records) })
  const open = new Map<string, Board>()
  const loading = new Map<string, Promise<Board>>()
  const listeners: ((commit: Commit) => void)[] = []
  const timers: NodeJS.Timeout[] = []
  const counts = { committed: 0, compacted: 0 }
  const compacting = new Map<string, Promise<void>>()
  const running = new Set<Promise<unknown>>()
  let closed = false
  const comparison = createComparison({ instanceId, store, open, catchUp, logger })

  const ground: BoardGround = {
    instanceId,
    logger,
    async append(record) {
      try {
        await committer.add(record)
      } catch (error) {
        comparison.doubt()
        throw error
      }
    },
    publish: (projectId, message) => channels.publish(channelOf(projectId), encodeMessage(instanceId, message)),
    committed(commit) {
      counts.committed += commit.changes.length
      for (const listener of listeners) listener(commit)
    },
    catchUp,
    look: comparison.look,
  }

  /** Keeps a promise in mind until it is settled, so that `close` can wait for it. */
  function track(work: Promise<unknown>) {
    running.add(work)
    void work.finally(() => running.delete(work)).catch(() => {})
  }

  /** A board that is open here; loads it where it is not. Throws where it can't be loaded, and changes nothing. */
  async function acquire(projectId: string): Promise<Board> {
    const board = open.get(projectId)
    if (board) return board
    let load_ = loading.get(projectId)
    if (!load_) {
      if (closed) throw new AppError('unavailable', 'This instance is going down', { retryAfterMs: 500 })
      if (open.size + loading.size >= maxOpen) {
        throw new AppError('unavailable', 'Too many boards are open', { retryAfterMs: 1000 })
      }
      load_ = load(projectId).finally(() => loading.delete(projectId))
      loading.set(projectId, load_)
    }
    return load_
  }

  async function load(projectId: string): Promise<Board> {
    // What others store while this loads is heard, and taken in behind it.
    const early: { sender: string; message: Message }[] = []
    let board: Board | null = null
    await channels.subscribe(channelOf(projectId), (bytes) => {
      // A copy: the bytes are part of a larger piece, which would be kept with them.
      const { sender, message } = decodeMessage(new Uint8Array(bytes))
      if (sender === instanceId) return
      if (board) board.hear(sender, message)
      else if (early.length < 10_000) early.push({ sender, message })
    })
    try {
      let stored = await store.load(projectId)
      if (!stored.snapshot && stored.records.length === 0) {
        // Under an id of its own: of several that begin it, one does, and the others take what that one wrote.
        await committer.add({ id: `first-${projectId}`, projectId, data: pack([await initial(projectId)]) })
        stored = await store.load(projectId)
      }
      const { snapshot, records } = stored
      const updates = records.flatMap((record) => record.updates)
      // One alone is the state already.
      const [base, tail] = snapshot ? [snapshot.state, updates] : [updates[0] ?? empty, updates.slice(1)]
      const document = new BoardDocument(base, tail, snapshot?.stateVector ?? null, maxBytes)
      if (tail.length > 0) {
        // A state that can't be read shows here, and not at those who come in.
        document.encode()
        const { pendingStructs, pendingDs } = document.open().store
        if (pendingStructs || pendingDs)
          logger.warn({ projectId }, 'a board’s updates wait for others that are not stored')
      }
      const ids = records.map(({ id }) => id)
      board = new Board(ground, projectId, document, ids, snapshot?.version ?? null)
      open.set(projectId, board)
      for (const { sender, message } of early) board.hear(sender, message)
      ground.publish(projectId, { type: 'opened' })
      return board
    } catch (error) {
      channels.unsubscribe(channelOf(projectId))
      throw error
    }
  }

  /** Holds a board open while `work` runs. */
  async function withBoard<T>(projectId: string, work: (board: Board) => Promise<T>): Promise<T> {
    const board = await acquire(projectId)
    board.holds++
    try {
      return await work(board)
    } finally {
      board.holds--
      board.usedAt = Date.now()
    }
  }

  /** Reads at rest: what is committed. */
  function reading<T>(projectId: string, read: (board: Board) => T): Promise<T> {
    return withBoard(
      projectId,
      (board) =>
        new Promise<T>((resolve, reject) => {
          board.atRest(() => {
            try {
              resolve(read(board))
            } catch (error) {
              reject(error)
            }
          })
        }),
    )
  }

  /** Takes in all that is stored, the snapshot where that is another; resolves with whether it could. */
  function catchUp(board: Board): Promise<boolean> {
    if (board.catching) return board.catching
    if (closed) return Promise.resolve(false)
    const work = store
      .load(board.projectId)
      .then(({ snapshot, records }) => {
        const news = records.filter(({ id }) => !board.has(id))
        if (snapshot && snapshot.version !== board.version) {
          board.version = snapshot.version
          news.unshift({ id: `snapshot-${snapshot.version}`, updates: [snapshot.state] })
        }
        board.take(news)
        return true
      })
      .catch((error) => {
        logger.warn({ err: error, projectId: board.projectId }, 'a board could not catch up; trying again')
        return false
      })
      .finally(() => {
        board.catching = null
      })
    board.catching = work
    track(work)
    return work
  }

  function compactSoon(projectId: string, ageMs = times.compactAgeMs) {
    if (compacting.has(projectId) || compacting.size >= 2) return
    const work = compact({ store, threads }, projectId, ageMs)
      .then((gone) => {
        const board = open.get(projectId)
        if (board && gone > 0) board.records = Math.max(0, board.records - gone)
        if (gone > 0) counts.compacted++
      })
      .catch((error) => logger.warn({ err: error, projectId }, 'a board could not be compacted'))
      .finally(() => compacting.delete(projectId))
    compacting.set(projectId, work)
  }

  function letGo(board: Board) {
    open.delete(board.projectId)
    channels.unsubscribe(channelOf(board.projectId))
    board.close(closeCodes.unavailable, 'the board is closed here')
  }

  /** Once a second: lets go of what is not used, and of states that nobody renews. */
  function tend() {
    const now = Date.now()
    for (const board of open.values()) {
      if (board.isClosed || (board.isIdle && now - board.usedAt > times.idleMs)) {
        if (!board.isIdle) continue
        letGo(board)
        if (board.records >= closedRecords) compactSoon(board.projectId)
        continue
      }
      board.awareness.sweep(now)
      if (board.document.hasDoc && board.document.isAtRest && now - board.editedAt > times.restMs) {
        board.atRest(() => board.document.shrink(shrinkBytes))
      }
      if (board.records >= openRecords && now - board.compactedAt > times.compactAgeMs) {
        board.compactedAt = now
        compactSoon(board.projectId)
      }
    }
  }

  channels.onReconnect(() => {
    comparison.run()
    for (const board of open.values()) ground.publish(board.projectId, { type: 'opened' })
  })

  return {
    instanceId,
    acquire,
    /** The boards that are open here. */
    all: () => open.values(),

    /** Begins to compare and to tidy up. */
    start() {
      timers.push(setInterval(comparison.run, times.compareMs), setInterval(tend, 1_000))
      for (const timer of timers) timer.unref()
    },

    /** Reads the committed document, which `read` must not change. */
    read: <T>(projectId: string, read: (doc: Y.Doc) => T): Promise<T> =>
      reading(projectId, (board) => read(board.document.open())),

    /**
     * Changes the document by `change`, which runs at once and whole: what it throws is thrown, and nothing has changed.
     * Resolves once the change is stored; `update` is null where it changed nothing. Throws `unavailable`, `too_large`.
     */
    transact: <T>(projectId: string, by: Author, change: (doc: Y.Doc) => T) =>
      withBoard(projectId, (board) => board.transact(by, change)),

    /** The committed state as one update. */
    snapshot: (projectId: string): Promise<Uint8Array> => reading(projectId, (board) => board.document.encode()),

    /** The committed state vector, encoded. */
    stateVector: (projectId: string): Promise<Uint8Array> =>
      reading(projectId, (board) => board.document.stateVector()),

    /** Called for each commit of this instance, after it is stored, applied and on its way to sockets. */
    onCommitted(listener: (commit: Commit) => void) {
      listeners.push(listener)
    },

    /** Tries a large update in a worker, on what is committed. Throws BrokenFrame. */
    async prove(board: Board, update: Uint8Array): Promise<void> {
      if (update.length > maxBytes * 2) throw new BrokenFrame('an update larger than a board')
      await threads.prove(board.document.parts(), update)
    },

    /** Compacts a board now, with records of any age where told so; resolves when it is done. */
    async compact(projectId: string, ageMs?: number): Promise<number> {
      return compact({ store, threads }, projectId, ageMs)
    },

    /** Deletes a board of a project that is gone, and closes it on every instance. */
    async remove(projectId: string): Promise<void> {
      ground.publish(projectId, { type: 'removed' })
      const board = open.get(projectId)
      if (board) {
        board.close(closeCodes.missing, 'the project is gone')
        await board.idle()
        letGo(board)
      }
      await store.deleteBoard(projectId)
    },

    stats(): BoardStats {
      let connections = 0
      for (const board of open.values()) connections += board.connections.size
      return { open: open.size, connections, waitingBytes: committer.bytes, ...counts }
    },

    /** Stores and sends what waits, then closes all connections with 4503; within `ms`. */
    async close(ms = 5_000): Promise<void> {
      const end = Date.now() + ms
      const late = new Promise<void>((done) => setTimeout(done, ms).unref())
      closed = true
      const compared = comparison.close()
      for (const timer of timers) clearInterval(timer)
      await Promise.race([Promise.all([...open.values()].map((board) => board.idle())), late])
      for (const board of [...open.values()]) letGo(board)
      await Promise.race([committer.idle(), late])
      await Promise.race([Promise.allSettled([compared, ...compacting.values(), ...running]), late])
      if (Date.now() > end) logger.warn({}, 'boards did not come to rest in time')
      await threads.close()
    },
  }
}

const channelOf = (projectId: string) => `board:${projectId}`
