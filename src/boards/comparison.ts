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
  /** When a write of this instance last ended without being known to be stored. */
  let unsureAt = Number.NEGATIVE_INFINITY

  async function compare() {
    const now = await store.time()
    const after = earlier(comparedAt ?? now, overlapSeconds)
    const isLate = comparedAt !== null && now.getHighBits() - comparedAt.getHighBits() > overlapSeconds / 3
    const isSure = performance.now() - unsureAt > unsureMs
    const found = await store.since([...open.keys()], after, isSure ? instanceId : null)
    comparedAt = now
    if (isLate) {
      // So long without a look that a compaction may have taken records away.
      for (const board of open.values()) void catchUp(board)
      return
    }
    const missed = found.filter(([id, projectId]) => open.get(projectId)?.has(id) === false)
    for (const [projectId, rows] of byBoard(missed)) {
      const board = open.get(projectId)
      // Those that this instance has just stored itself are known a moment later.
      if (!board) continue
      const records = await store.read(rows.map(([id]) => id))
      board.atRest(() => board.take(records))
    }
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
