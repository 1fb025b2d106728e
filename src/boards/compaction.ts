import { newId } from '../kernel/ids.ts'
import type { BoardStore } from './store.ts'
import type { Threads } from './threads.ts'

/** Records younger than this stay: other instances may still look for them, having missed the message; milliseconds. */
const restMs = 30_000

/**
 * Replaces a board's older records by a snapshot that holds them, under a lease. Gives how many records went; none where
 * another instance does it, or there is nothing to do. The snapshot is written before the records go, and exactly those
 * go that it holds.
 */
export async function compact(
  { store, threads }: { store: BoardStore; threads: Threads },
  projectId: string,
  ageMs = restMs,
): Promise<number> {
  const holder = newId()
  if (!(await store.lease(projectId, holder))) return 0
  try {
    // Under the lease nobody else takes records away: those of before the snapshot fit on it.
    const records = await store.older(projectId, ageMs)
    if (records.length === 0) return 0
    const before = await store.readSnapshot(projectId)
    const parts = [...(before ? [before.state] : []), ...records.flatMap(({ updates }) => updates)]
    const { state, stateVector } = await threads.replay(parts)
    if (!(await store.writeSnapshot(projectId, holder, newId(), state, stateVector))) return 0
    await store.deleteRecords(records)
    return records.length
  } finally {
    await store.release(projectId, holder)
  }
}
