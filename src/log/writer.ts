import { AppError, conflict, notFound, toAppError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { Logger } from '../kernel/ports.ts'
import type { Live, Tail } from './tail.ts'
import type { Context, Draft, LiveView, LogRecord, LogStore, Within, WriteStep } from './types.ts'

/** Looked at anew before each attempt, with all entries before it applied; throws to refuse the operation. */
export type Guard = (live: LiveView) => void

/** A new entry. */
export interface AppendOptions {
  guard?: Guard
}

/** A change of an existing entry. */
export interface ChangeOptions {
  /** The entry as last read. */
  current: LogRecord
  /** The event that it is. */
  event: string
  /** The fields to set; null where the entry is so already. Must be idempotent: it may run again on a newer entry. */
  transform(current: LogRecord): Record<string, unknown> | null
  /** Derived facts for presenting the changed entry. */
  context?: Context
  guard?: Guard
}

interface Operation {
  live: Live
  deadline: number
  attempts: number
  guard: Guard | undefined
  resolve(result: any): void
  reject(error: unknown): void
  work:
    | { type: 'append'; draft: Draft }
    | ({ type: 'change' } & ChangeOptions)
    | { type: 'together'; drafts: Draft[] | ((live: LiveView) => Draft[]); within: Within<any> }
}

export interface WriterDeps {
  store: LogStore<any>
  tail(): Tail
  log: Logger
  /** How long an operation is tried before it is refused with `unavailable`, in milliseconds. */
  patienceMs?: number
  maxQueue?: number
  maxBatch?: number
}

const maxBatchBytes = 4 * 1024 * 1024

/**
 * Writes entries with dense revs by optimism: the next rev is the applied one plus one, and the unique index tells when
 * another instance was faster. While a write is in flight, what arrives collects and goes as the next one (group
 * commit), so that durability costs one journal flush for many.
 */
export function createWriter(deps: WriterDeps) {
  const { store, log, patienceMs = 10_000, maxQueue = 20_000, maxBatch = 1_000 } = deps
  let queue: Operation[] = []
  let inFlight = false
  let nap: NodeJS.Timeout | null = null
  let outageMs = 0
  let outageUntil = 0
  let lastWriteMs = 2
  let alone = 0
  /** Appends whose outcome is not known, by the id that the entry would have. */
  const uncertain = new Map<string, Operation>()
  const stats = { writes: 0, entries: 0, clashes: 0, repeats: 0 }

  /** Queues an operation on a held log; the hold is released when it settles. */
  function submit<R>(live: Live, work: Operation['work'], guard: Guard | undefined): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const operation: Operation = {
        live,
        work,
        guard,
        deadline: Date.now() + patienceMs,
        attempts: 0,
        resolve(result) {
          deps.tail().release(live)
          resolve(result)
        },
        reject(error) {
          deps.tail().release(live)
          reject(error)
        },
      }
      if (queue.length >= maxQueue) {
        operation.reject(
          new AppError('unavailable', 'Too much is waiting to be stored; try again', { retryAfterMs: 1000 }),
        )
        return
      }
      queue.push(operation)
      kick()
    })
  }

  function kick() {
    if (!inFlight && queue.length > 0) void flush()
  }

  async function flush() {
    if (Date.now() < outageUntil) {
      wakeAt(outageUntil)
      return
    }
    inFlight = true
    const plan = takeBatch()
    if (plan.wakeAt !== null) wakeAt(plan.wakeAt)
    if (plan.steps.length === 0) {
      inFlight = false
      return
    }
    for (const operation of plan.taken) operation.live.writing = true
    const started = performance.now()
    try {
      const outcome = await store.write(plan.steps)
      outageMs = 0
      lastWriteMs = performance.now() - started
      stats.writes++
      settle(plan, outcome.done, new Set(outcome.stale), outcome.stopped)
    } catch (error) {
      log.warn({ err: error, operations: plan.taken.length }, 'a write failed, its outcome is not known')
      for (const operation of plan.taken) {
        operation.live.writing = false
        doubt(operation)
      }
      requeue(plan.taken)
      outageMs = Math.min(Math.max(50, outageMs * 2), 1_000)
      outageUntil = Date.now() + outageMs
    }
    inFlight = false
    kick()
  }

  interface Plan {
    steps: WriteStep[]
    taken: Operation[]
    wakeAt: number | null
  }

  /** Picks what can be written now, each log's operations in their order, and gives them their places. */
  function takeBatch(): Plan {
    const plan: Plan = { steps: [], taken: [], wakeAt: null }
    const left: Operation[] = []
    const closed = new Set<Live>()
    const places = new Map<Live, { rev: number; seq: number; keys: Set<string> }>()
    const now = Date.now()
    let bytes = 0
    for (const operation of queue) {
      const { live, work } = operation
      if (now > operation.deadline) {
        refuseLate(operation)
        continue
      }
      const full = plan.steps.length >= maxBatch || bytes > maxBatchBytes
      const wait = live.rev < live.target ? now + 100 : live.pausedUntil
      if (full || closed.has(live) || live.filling || live.writing || wait > now) {
        closed.add(live)
        left.push(operation)
        // A fill, a write and a full batch kick when they end; these two end by time alone.
        if (wait > now && !live.filling && !live.writing) plan.wakeAt = Math.min(plan.wakeAt ?? wait, wait)
        continue
      }
      try {
        operation.guard?.(live)
        if (work.type === 'append') {
          const place = places.get(live) ?? { rev: live.rev, seq: live.seq, keys: new Set() }
          const key = work.draft.clientId === undefined ? null : `${work.draft.senderId} ${work.draft.clientId}`
          if (key !== null && place.keys.has(key)) {
            // The same message twice in one batch: the second learns its answer from the index, next time.
            closed.add(live)
            left.push(operation)
            continue
          }
          if (key !== null) place.keys.add(key)
          const record = placed(live, work.draft, ++place.rev, work.draft.counts ? ++place.seq : place.seq)
          places.set(live, place)
          plan.steps.push({ type: 'insert', record })
          plan.taken.push(operation)
          bytes += 300 + String(work.draft.body['content'] ?? '').length * 2
        } else if (work.type === 'change') {
          const set = work.transform(work.current)
          closed.add(live)
          if (set === null) {
            operation.resolve(work.current)
            continue
          }
          const place = places.get(live) ?? { rev: live.rev, seq: live.seq, keys: new Set() }
          const fields = { ...set, rev: place.rev + 1, logSeq: place.seq, event: work.event }
          places.set(live, place)
          plan.steps.push({
            type: 'replace',
            id: work.current._id,
            fromRev: work.current.rev,
            record: { ...work.current, ...fields },
            set: fields,
            changeId: newId(),
          })
          plan.taken.push(operation)
        } else if (places.has(live) || alone >= 16) {
          // It needs the log to itself: after what goes first.
          closed.add(live)
          left.push(operation)
        } else {
          closed.add(live)
          void writeAlone(operation)
        }
      } catch (error) {
        uncertain.delete(idOf(operation))
        operation.reject(error)
      }
    }
    queue = left
    return plan
  }

  function settle(plan: Plan, done: number, stale: Set<number>, stopped: 'rev' | 'clientId' | 'id' | undefined) {
    const tail = deps.tail()
    for (const operation of plan.taken) operation.live.writing = false
    const again: Operation[] = []
    plan.taken.forEach((operation, index) => {
      const step = plan.steps[index]!
      if (index < done && !stale.has(index)) {
        stats.entries++
        uncertain.delete(idOf(operation))
        tail.committed(
          operation.live,
          step.record,
          operation.work.type === 'change' ? operation.work.context : undefined,
        )
        yieldToOthers(operation.live)
        operation.resolve(step.record)
      } else if (index < done) {
        void reread(operation)
      } else if (index === done && stopped === 'clientId') {
        void answerRepeat(operation)
      } else if (index === done && stopped === 'id') {
        void answerStored(operation)
      } else {
        if (index === done) clash(operation.live, step.record.rev)
        again.push(operation)
      }
    })
    requeue(again)
  }

  /** Another instance has taken the rev: read what it wrote before the next attempt. */
  function clash(live: Live, rev: number) {
    stats.clashes++
    live.foreignAt = Date.now()
    live.target = Math.max(live.target, rev)
    live.pausedUntil = 0
    void deps.tail().fill(live)
  }

  /**
   * Where several instances write to one log, whoever has just won leaves a gap of a random part of a write's time,
   * or the others, who must read before they write, would never get in.
   */
  function yieldToOthers(live: Live) {
    const now = Date.now()
    if (now - live.foreignAt < 100) live.pausedUntil = now + Math.random() * Math.min(lastWriteMs * 2, 20)
  }

  async function writeAlone(operation: Operation) {
    const { live, work } = operation
    if (work.type !== 'together') return
    alone++
    live.writing = true
    operation.attempts++
    try {
      const drafts = typeof work.drafts === 'function' ? work.drafts(live) : work.drafts
      let { rev, seq } = live
      const records = drafts.map((draft) => placed(live, draft, ++rev, draft.counts ? ++seq : seq))
      const outcome = await store.writeTogether(records, work.within)
      live.writing = false
      if (outcome.done === records.length) {
        for (const record of records) deps.tail().committed(live, record, undefined)
        operation.resolve(records)
      } else if (outcome.stopped === 'rev') {
        clash(live, records[0]!.rev)
        requeue([operation])
      } else {
        operation.reject(conflict('It exists already'))
      }
    } catch (error) {
      live.writing = false
      // The transaction may have been committed although its answer was lost; what it did shows in the log.
      void deps
        .tail()
        .compare()
        .catch(() => {})
      operation.reject(toAppError(error))
    } finally {
      alone--
      kick()
    }
  }

  /** The entry was changed by somebody else since it was read: once more, on what it is now. */
  async function reread(operation: Operation) {
    const { work, live } = operation
    if (work.type !== 'change') return
    try {
      if (++operation.attempts > 50) throw new AppError('unavailable', 'Too many change this at once; try again')
      const [current] = await store.byIds([work.current._id])
      if (!current) throw notFound('message')
      work.current = current
      live.target = Math.max(live.target, current.rev)
      if (live.target > live.rev) void deps.tail().fill(live)
      requeue([operation])
      kick()
    } catch (error) {
      operation.reject(toAppError(error))
    }
  }

  async function answerRepeat(operation: Operation) {
    if (operation.work.type !== 'append') return
    const { draft } = operation.work
    try {
      uncertain.delete(draft.id)
      const stored = await store.byClientId(operation.live.logId, draft.senderId, draft.clientId!)
      if (!stored) {
        // Taken, but not majority-committed yet.
        if (++operation.attempts > 200) throw new AppError('unavailable', 'It is still being stored; try again')
        await new Promise((done) => setTimeout(done, 5))
        requeue([operation])
        kick()
        return
      }
      if (stored.fingerprint !== draft.fingerprint) throw conflict('This clientId was used for another message')
      stats.repeats++
      operation.resolve(stored)
    } catch (error) {
      operation.reject(toAppError(error))
    }
  }

  /** The id is taken: an earlier attempt of ours went through after all. */
  async function answerStored(operation: Operation) {
    if (operation.work.type !== 'append') return
    const { live, work } = operation
    try {
      const [stored] = await store.byIds([work.draft.id])
      if (!stored) {
        if (++operation.attempts > 200) throw new AppError('unavailable', 'It is still being stored; try again')
        await new Promise((done) => setTimeout(done, 5))
        requeue([operation])
        kick()
        return
      }
      uncertain.delete(stored._id)
      deps.tail().reach(live.logId, stored.rev)
      operation.resolve(stored)
    } catch (error) {
      operation.reject(toAppError(error))
    }
  }

  /** Remembers an operation whose write may or may not have happened; the log is read on before it is tried again. */
  function doubt(operation: Operation) {
    operation.attempts++
    if (operation.work.type === 'append') uncertain.set(operation.work.draft.id, operation)
    // Heard of a rev that may exist: nothing is written to the log before that is settled.
    operation.live.target = Math.max(operation.live.target, operation.live.rev + 1)
  }

  /** An entry was applied, by whatever way: an uncertain operation of ours is certain now. */
  function onApplied(record: LogRecord) {
    const operation = uncertain.size > 0 ? uncertain.get(record._id) : undefined
    if (!operation) return
    uncertain.delete(record._id)
    queue = queue.filter((waiting) => waiting !== operation)
    deps.tail().hint(record)
    operation.resolve(record)
  }

  function refuseLate(operation: Operation) {
    uncertain.delete(idOf(operation))
    const why = 'It could not be stored in time; try again with the same clientId'
    operation.reject(new AppError('unavailable', why, { retryAfterMs: 1000 }))
  }

  function requeue(operations: Operation[]) {
    if (operations.length > 0) queue = [...operations, ...queue]
  }

  /** Looks again at a time: logs that an outage left unread are read on first. */
  function wakeAt(time: number) {
    nap ??= setTimeout(
      () => {
        nap = null
        for (const live of new Set(queue.map((operation) => operation.live))) {
          if (live.rev < live.target) void deps.tail().fill(live)
        }
        kick()
      },
      Math.max(1, time - Date.now()),
    )
  }

  return {
    submit,
    onApplied,
    kick,
    stats,
    /** Refuses what has waited too long; for while a write hangs. */
    expire() {
      const now = Date.now()
      if (!queue.some((operation) => now > operation.deadline)) return
      const late = queue.filter((operation) => now > operation.deadline)
      queue = queue.filter((operation) => now <= operation.deadline)
      for (const operation of late) refuseLate(operation)
    },
    get waiting() {
      return queue.length
    },
    /** Resolves when all that was submitted has settled, or after `ms`. */
    async drain(ms: number) {
      const end = Date.now() + ms
      while ((queue.length > 0 || inFlight || alone > 0) && Date.now() < end)
        await new Promise((done) => setTimeout(done, 10))
    },
  }
}

const idOf = (operation: Operation) => (operation.work.type === 'append' ? operation.work.draft.id : '')

function placed(live: Live, draft: Draft, rev: number, logSeq: number): LogRecord {
  const record: LogRecord = {
    _id: draft.id,
    kind: draft.kind,
    logId: live.logId,
    rev,
    firstRev: rev,
    logSeq,
    event: draft.event,
    senderId: draft.senderId,
    at: new Date(),
    ...draft.body,
  }
  if (draft.counts) record.seq = logSeq
  if (draft.clientId !== undefined) {
    record.clientId = draft.clientId
    record.fingerprint = draft.fingerprint ?? ''
  }
  return record
}

export type Writer = ReturnType<typeof createWriter>
