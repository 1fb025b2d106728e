import { newId } from '../kernel/ids.ts'
import type { Live } from './open-logs.ts'
import { type Operation, placed } from './operation.ts'
import type { LogRecord, WriteStep } from './types.ts'

/** One operation with the step that does it. */
export interface Item {
  operation: Operation
  step: WriteStep
}

export interface Batch {
  items: Item[]
  /** Those that need a transaction of their own. */
  alone: Operation[]
  /** What can't be written now, in order. */
  left: Operation[]
  /** When some of that can, where nothing but time will tell. */
  wakeAt: number | null
  /** Logs to be read on before they are written to. */
  behind: Set<Live>
}

export interface BatchLimits {
  now: number
  steps: number
  bytes: number
  /** How many transactions may start. */
  alone: number
}

/** A writer knows its log's head to be this fresh, in milliseconds; far less than the store's `slotMs`. */
const freshMs = 20_000
/** How long after another instance's last entry a log counts as contested, in milliseconds. */
const contestedMs = 1_000

interface Places {
  rev: number
  seq: number
  keys: Set<string>
  pending: LogRecord[]
}

/**
 * Picks what can be written now, each log's operations in their order, and gives them their places. Settles operations
 * that a guard refuses or that have nothing to change. All else stays as it was.
 */
export function planBatch(queue: Operation[], limits: BatchLimits): Batch {
  const { now } = limits
  const batch: Batch = { items: [], alone: [], left: [], wakeAt: null, behind: new Set() }
  const closed = new Set<Live>()
  const places = new Map<Live, Places>()
  let bytes = 0
  const leave = (operation: Operation) => {
    closed.add(operation.live)
    batch.left.push(operation)
  }

  for (const [index, operation] of queue.entries()) {
    if (operation.settled) continue
    if (batch.items.length >= limits.steps || bytes > limits.bytes) {
      for (let rest = index; rest < queue.length; rest++) batch.left.push(queue[rest]!)
      break
    }
    const { live, work } = operation
    if (closed.has(live) || live.filling || live.writing) {
      leave(operation)
      continue
    }
    const newest = work.type === 'change' ? work.current.rev : 0
    if (newest > live.rev) live.target = Math.max(live.target, newest)
    if (live.rev < live.target || now - live.checkedAt > freshMs) {
      batch.behind.add(live)
      leave(operation)
      continue
    }
    if (live.pausedUntil > now) {
      batch.wakeAt = Math.min(batch.wakeAt ?? live.pausedUntil, live.pausedUntil)
      leave(operation)
      continue
    }
    const place = places.get(live) ?? { rev: live.rev, seq: live.seq, keys: new Set(), pending: [] }
    try {
      if (work.type === 'together') {
        // It needs the log to itself: after what goes first.
        if (place.pending.length > 0 || batch.alone.length >= limits.alone) {
          leave(operation)
          continue
        }
        operation.guard?.(live, place.pending)
        closed.add(live)
        batch.alone.push(operation)
        continue
      }
      let step: WriteStep
      if (work.type === 'append') {
        const { draft } = work
        const key = draft.clientId === undefined ? null : `${draft.senderId} ${draft.clientId}`
        if (key !== null && place.keys.has(key)) {
          // The same message twice in one batch: the second learns its answer from the index, next time.
          leave(operation)
          continue
        }
        operation.guard?.(live, place.pending)
        const record = placed(live, draft, place.rev + 1, draft.counts ? place.seq + 1 : place.seq)
        // What comes after it must be judged with it applied.
        if (live.kind.isControl(record)) closed.add(live)
        if (key !== null) place.keys.add(key)
        step = { type: 'insert', record }
      } else {
        operation.guard?.(live, place.pending)
        const { current } = work
        const set = work.transform(current)
        if (set === null) {
          operation.resolve(current)
          continue
        }
        const fields = { ...set, rev: place.rev + 1, logSeq: place.seq, event: work.event }
        const record: LogRecord = { ...current, ...fields }
        step = { type: 'replace', id: current._id, fromRev: current.rev, record, set: fields, changeId: newId() }
        // It may turn out stale and leave its rev free: nothing may build on it.
        closed.add(live)
      }
      place.rev++
      place.seq = step.record.logSeq
      place.pending.push(step.record)
      places.set(live, place)
      batch.items.push({ operation, step })
      bytes += operation.bytes
    } catch (error) {
      operation.reject(error)
    }
  }
  // Inserts go in one command and changes in another; what may be refused must not hold up what will not. A log's own
  // steps keep their order, as its change is its last.
  const order = ({ operation, step }: Item) =>
    (now - operation.live.foreignAt < contestedMs ? 2 : 0) + (step.type === 'replace' ? 1 : 0)
  batch.items.sort((one, other) => order(one) - order(other))
  return batch
}
