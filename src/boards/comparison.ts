import type { Logger } from '../kernel/ports.ts'
import type { Board } from './board.ts'
import { type BoardStore, earlier } from './store.ts'

export interface ComparisonDeps {
  instanceId: string
  store: Pick<BoardStore, 'time' | 'since' | 'read'>
  /** The boards that are open here, by project. */
  open: ReadonlyMap<string, Board>
  catchUp(board: Board): Promise<boolean>
  logger: Logger
}

/** A comparison looks back this much further than to the last one: a write's time is taken before it can be read. */
const overlapSeconds = 30
/** How long an instance looks for records of its own, too, after a write that may have been stored or not. */
const unsureMs = 2 * overlapSeconds * 1_000

/** Compares what is open here with what is stored: it finds what no message has told of. */
export function createComparison({ instanceId, store, open, catchUp, logger }: ComparisonDeps) {
  let comparedAt: Awaited<ReturnType<typeof store.time>> | null = null
  let comparing: Promise<void> | null = null
  let closed = false
  /** When MongoDB was last asked for the time that `comparedAt` is. */
  let askedAt = Number.NEGATIVE_INFINITY
  /** Looks at single boards that are under way, and those that begin behind them. */
  const looks = new Map<Board, { now: Promise<boolean>; next: Promise<boolean> | null }>()
  /** When a write of this instance last ended without being known to be stored. */
  let unsureAt = Number.NEGATIVE_INFINITY

  /** Records of these boards that were stored after a moment of MongoDB's and are not here. */
  async function missed(projectIds: string[], after: NonNullable<typeof comparedAt>) {
    const isSure = performance.now() - unsureAt > unsureMs
    const found = await store.since(projectIds, after, isSure ? instanceId : null)
    // Those that this instance has just stored itself are known a moment later.
    return found.filter(([id, projectId]) => open.get(projectId)?.has(id) === false)
  }

  /** Reads these records and has them taken in once the board is at rest, which `taken` resolves with. */
  async function read(board: Board, rows: [string, string][]): Promise<{ taken: Promise<void> }> {
    const records = await store.read(rows.map(([id]) => id))
    const taken = new Promise<void>((done) => {
      board.atRest(() => {
        board.take(records)
        done()
      })
    })
    return { taken }
  }

  async function compare() {
    const beganAt = performance.now()
    const now = await store.time()
    const after = earlier(comparedAt ?? now, overlapSeconds)
    const isLate = comparedAt !== null && now.getHighBits() - comparedAt.getHighBits() > overlapSeconds / 3
    const rows = await missed([...open.keys()], after)
    comparedAt = now
    askedAt = beganAt
    if (isLate) {
      // So long without a look that a compaction may have taken records away.
      for (const board of open.values()) void catchUp(board)
      return
    }
    for (const [projectId, some] of byBoard(rows)) {
      const board = open.get(projectId)
      // One that is storing just now is not waited for.
      if (board) await read(board, some)
    }
  }

  /** Resolves with whether all that is stored of the board is here now. */
  async function lookAt(board: Board): Promise<boolean> {
    // A reading that is under way may have begun too early.
    if (comparedAt === null || performance.now() - askedAt > (overlapSeconds / 3) * 1_000)
      return (board.catching ?? Promise.resolve()).then(() => catchUp(board))
    try {
      const rows = await missed([board.projectId], earlier(comparedAt, overlapSeconds))
      if (rows.length > 0) await (await read(board, rows)).taken
      // Where these lacked others, all is being read.
      return (await board.catching) ?? true
    } catch (error) {
      logger.warn({ err: error, projectId: board.projectId }, 'a board could not be compared with MongoDB')
      return false
    }
  }

  function beginLook(board: Board): Promise<boolean> {
    const look = { now: lookAt(board), next: null as Promise<boolean> | null }
    looks.set(board, look)
    void look.now.finally(() => {
      if (!look.next) looks.delete(board)
    })
    return look.now
  }

  return {
    /** Begins a comparison, unless one is under way. */
    run(): void {
      if (comparing || closed) return
      comparing = compare()
        .catch((error) => logger.warn({ err: error }, 'comparing boards with MongoDB failed; trying again'))
        .finally(() => {
          comparing = null
        })
    },

    /**
     * Takes in what is stored of one board now and is not here; resolves with whether it could. Those who ask while a look
     * is under way, which may have begun too early for them, share the next: however many ask, MongoDB is asked one by one.
     */
    look(board: Board): Promise<boolean> {
      const under = looks.get(board)
      if (!under) return beginLook(board)
      under.next ??= under.now.then(() => beginLook(board))
      return under.next
    },

    /** A write of this instance may be stored or not: then it is found like any other's. */
    doubt(): void {
      unsureAt = performance.now()
    },

    /** Begins no more; resolves when none is under way. */
    async close(): Promise<void> {
      closed = true
      await comparing
    },
  }
}

function byBoard(rows: [string, string][]): Map<string, [string, string][]> {
  const groups = new Map<string, [string, string][]>()
  for (const row of rows) groups.set(row[1], [...(groups.get(row[1]) ?? []), row])
  return groups
}
