import { AppError, conflict, notFound, toAppError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/ports.ts'
import { createAnswers } from './answers.ts'
import { type Item, planBatch } from './batch.ts'
import type { Live } from './open-logs.ts'
import { type Guard, idOf, type Operation, placed, sizeOf, type Work } from './operation.ts'
import type { Tail } from './tail.ts'
import type { LogRecord, LogStore, WriteOutcome } from './types.ts'

export type { ChangeOptions, Guard } from './operation.ts'

export interface WriterDeps {
  store: LogStore<any>
  tail(): Tail
  log: Logger
  /** How long an operation is tried before it is refused with `unavailable`, in milliseconds. */
  patienceMs?: number
  /** The most operations, and bytes of them, that wait or are under way. */
  maxQueue?: number
  maxQueueBytes?: number
  maxBatch?: number
  /** How many writes may be in flight, each for other logs. */
  maxWrites?: number
  /** Whether the other instances can't be heard. */
  isDeaf?(): boolean
}

const maxBatchBytes = 4 * 1024 * 1024
/** How long the wish of another instance to write counts, in milliseconds. */
const wishMs = 500
const maxAlone = 16
const wait = (ms: number) => new Promise((done) => setTimeout(done, ms))

/**
 * Writes entries with dense revs by optimism: the next rev is the applied one plus one, and the unique index tells when
 * another instance was faster. While a write is in flight, what arrives collects and goes as the next one (group
 * commit), so that durability costs one journal flush for many.
 */
export function createWriter(deps: WriterDeps) {
  const { store, log, patienceMs = 10_000, maxQueue = 20_000, maxBatch = 1_000, maxWrites = 2 } = deps
  const maxQueueBytes = deps.maxQueueBytes ?? 128 * 1024 * 1024
  let queue: Operation[] = []
  const unsettled = new Set<Operation>()
  let unsettledBytes = 0
  let inFlight = 0
  let alone = 0
  let nap: { timer: NodeJS.Timeout; at: number } | null = null
  let outageMs = 0
  let outageUntil = 0
  let lastWriteMs = 2
  let batchSize = maxBatch
  let closed = false
  let kicked = false
  /** Appends whose outcome is not known, by the id that the entry would have. */
  const uncertain = new Map<string, Operation>()
  const stats = { writes: 0, entries: 0, clashes: 0 }
  const answers = createAnswers({
    store,
    tail: deps.tail,
    log,
    again(operation) {
      requeue([operation])
      kick()
    },
  })

  /** Queues an operation on a held log; the hold is released when it settles. */
  function submit<R>(live: Live, work: Work, guard: Guard | undefined): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const settle = (then: () => void) => {
        if (operation.settled) return
        operation.settled = true
        uncertain.delete(idOf(operation))
        unsettled.delete(operation)
        unsettledBytes -= operation.bytes
        deps.tail().release(live)
        then()
      }
      const operation: Operation = {
        live,
        work,
        guard,
        deadline: Date.now() + patienceMs,
        attempts: 0,
        bytes: sizeOf(work),
        settled: false,
        resolve: (result) => settle(() => resolve(result)),
        reject: (error) => settle(() => reject(error)),
      }
      const full = unsettled.size >= maxQueue || unsettledBytes > maxQueueBytes
      unsettled.add(operation)
      unsettledBytes += operation.bytes
      if (full || closed) {
        const why = closed ? 'The server is stopping; try again' : 'Too much is waiting to be stored; try again'
        operation.reject(new AppError('unavailable', why, { retryAfterMs: 1000 }))
        return
      }
      queue.push(operation)
      kick()
    })
  }

  /** After what else arrives in this turn of the event loop: it shares the write. */
  function kick() {
    if (kicked || inFlight >= maxWrites || queue.length === 0) return
    kicked = true
    setImmediate(() => {
      kicked = false
      if (inFlight < maxWrites && queue.length > 0) void flush()
    })
  }

  async function flush() {
    const now = Date.now()
    if (now < outageUntil) {
      wakeAt(outageUntil)
      return
    }
    const limits = { now, steps: batchSize, bytes: maxBatchBytes, alone: maxAlone - alone }
    const batch = planBatch(queue, limits)
    queue = batch.left
    for (const live of batch.behind) void deps.tail().fill(live)
    for (const operation of batch.alone) void writeAlone(operation)
    // What is left waits for a fill or a write that kicks when it ends, or for its time. The second look is for what
    // nobody foresaw: no operation may lie there for good.
    if (queue.length > 0) wakeAt(Math.min(batch.wakeAt ?? Infinity, now + 100))
    if (batch.items.length === 0) return
    inFlight++
    for (const { operation } of batch.items) operation.live.writing = true
    const started = performance.now()
    try {
      const outcome = await store.write(batch.items.map((item) => item.step))
      lastWriteMs = performance.now() - started
      outageMs = 0
      batchSize = Math.min(maxBatch, batchSize * 2)
      stats.writes++
      const again = settle(batch.items, outcome, now)
      requeue(outcome.stopped === 'clientId' ? await unlessRepeated(again) : again)
    } catch (error) {
      failed(batch.items, error)
    }
    inFlight--
    kick()
  }

  /** Those of the operations that repeat nothing. Nothing of their logs is written meanwhile, so that their order holds. */
  async function unlessRepeated(operations: Operation[]): Promise<Operation[]> {
    const lives = new Set(operations.map(({ live }) => live))
    for (const live of lives) live.writing = true
    try {
      return await answers.answerRepeats(operations)
    } finally {
      for (const live of lives) live.writing = false
    }
  }

  /** Settles what the outcome says; returns what is to be tried again, in order. */
  function settle(items: Item[], outcome: WriteOutcome, startedAt: number): Operation[] {
    const tail = deps.tail()
    const { done, stopped } = outcome
    const stale = new Set(outcome.stale)
    const lives = new Set<Live>()
    for (const { operation } of items) operation.live.writing = false
    const again: Operation[] = []
    for (const [index, { operation, step }] of items.entries()) {
      const { live, work } = operation
      if (index < done && !stale.has(index)) {
        stats.entries++
        live.checkedAt = Math.max(live.checkedAt, startedAt)
        tail.committed(live, step.record, work.type === 'change' ? work.context : undefined)
        lives.add(live)
        operation.resolve(step.record)
      } else if (index < done) void reread(operation)
      else if (index > done) again.push(operation)
      else if (stopped === 'clientId') void answers.answer(operation, true)
      else if (stopped === 'id') void answers.answer(operation, false)
      else if (stopped === 'invalid') operation.reject(toAppError(outcome.cause))
      else {
        clash(live, step.record.rev)
        again.push(operation)
      }
    }
    for (const live of lives) yieldToOthers(live)
    return again
  }

  /** Nobody knows how far a write came. */
  function failed(items: Item[], cause: unknown) {
    const error = toAppError(cause)
    log.warn({ err: cause, operations: items.length }, 'a write failed, its outcome is not known')
    const operations = items.map((item) => item.operation)
    for (const operation of operations) {
      operation.live.writing = false
      operation.attempts++
      if (operation.work.type === 'append' && !operation.settled) uncertain.set(idOf(operation), operation)
    }
    if (error.code === 'unavailable') {
      // Heard of a rev that may exist: nothing is written to these logs before that is settled.
      for (const { live } of operations) live.target = Math.max(live.target, live.rev + 1)
      outageMs = Math.min(Math.max(50, outageMs * 2), 1_000)
      outageUntil = Date.now() + outageMs
    } else if (operations.length === 1) operations[0]!.reject(error)
    // One of them can't be sent at all: ever smaller writes find out which.
    else batchSize = Math.ceil(operations.length / 2)
    requeue(operations)
  }

  /** Another instance has taken the rev: read what it wrote before the next attempt. */
  function clash(live: Live, rev: number) {
    stats.clashes++
    live.foreignAt = Date.now()
    live.pausedUntil = 0
    deps.tail().wish(live, rev)
    deps.tail().reach(live.logId, rev)
  }

  /**
   * Where several instances write to one log, whoever has just won would win again, as the others must read before they
   * write. So it leaves the log to those that said they could not get in, until one has or had its time.
   */
  function yieldToOthers(live: Live) {
    const now = Date.now()
    if (now - live.wishedAt < wishMs) {
      live.wishedAt = 0
      live.pausedUntil = now + Math.min(Math.max(5, lastWriteMs * 3), 50)
    } else if (deps.isDeaf?.() && Math.random() < 0.2) {
      // Nobody can say so.
      live.pausedUntil = now + Math.random() * Math.min(lastWriteMs * 4, 50)
    }
  }

  async function writeAlone(operation: Operation) {
    const { live, work } = operation
    if (work.type !== 'together') return
    const startedAt = Date.now()
    alone++
    live.writing = true
    let records: LogRecord[] = []
    try {
      const drafts = typeof work.drafts === 'function' ? work.drafts(live) : work.drafts
      let { rev, seq } = live
      records = drafts.map((draft) => placed(live, draft, ++rev, draft.counts ? ++seq : seq))
      const outcome = await store.writeTogether(records, work.within)
      live.writing = false
      if (outcome.done === records.length) {
        if (records.length > 0) live.checkedAt = Math.max(live.checkedAt, startedAt)
        for (const record of records) deps.tail().committed(live, record, undefined)
        yieldToOthers(live)
        operation.resolve(records)
      } else if (outcome.stopped === 'rev') {
        clash(live, records[0]!.rev)
        requeue([operation])
      } else if (outcome.stopped === 'invalid') operation.reject(toAppError(outcome.cause))
      else if (outcome.stopped === 'clientId') await answers.answerTogether(operation, drafts)
      else operation.reject(conflict('It exists already'))
    } catch (cause) {
      const error = toAppError(cause)
      // The transaction may have been committed although its answer was lost; what it did shows in the log.
      if (error.code === 'unavailable' && records.length > 0) await answers.settleDoubt(operation, records)
      operation.reject(error)
    } finally {
      live.writing = false
      alone--
      kick()
    }
  }

  /** The entry was changed by somebody else since it was read: once more, on what it is now. */
  async function reread(operation: Operation) {
    const { work } = operation
    if (work.type !== 'change') return
    try {
      if (++operation.attempts > 50) throw new AppError('unavailable', 'Too many change this at once; try again')
      const [current] = await store.byIds([work.current._id])
      if (!current) throw notFound('message')
      work.current = current
      requeue([operation])
      kick()
    } catch (error) {
      operation.reject(toAppError(error))
    }
  }

  /** An entry was applied, by whatever way: an uncertain operation of ours is certain now. */
  function onApplied(record: LogRecord) {
    const operation = uncertain.size > 0 ? uncertain.get(record._id) : undefined
    if (!operation) return
    deps.tail().hint(record)
    operation.resolve(record)
  }

  /** Puts operations first again, in their order. */
  function requeue(operations: Operation[]) {
    const open = operations.filter((operation) => !operation.settled)
    if (open.length > 0) queue = [...open, ...queue]
  }

  function wakeAt(time: number) {
    if (nap) {
      if (nap.at <= time) return
      clearTimeout(nap.timer)
    }
    const timer = setTimeout(
      () => {
        nap = null
        kick()
      },
      Math.max(1, time - Date.now()),
    )
    nap = { timer, at: time }
  }

  return {
    submit,
    onApplied,
    kick,
    stats: () => ({ ...stats, ...answers.stats }),
    /** Refuses what has waited too long, also where a write hangs. */
    expire() {
      const now = Date.now()
      for (const operation of unsettled) {
        // In the order of submission, all with the same patience.
        if (now <= operation.deadline) break
        const why = 'It could not be stored in time; try again with the same clientId'
        operation.reject(new AppError('unavailable', why, { retryAfterMs: 1000 }))
      }
    },
    get waiting() {
      return unsettled.size
    },
    /** Resolves when all that was submitted has settled, or after `ms`; more is not taken. */
    async drain(ms: number) {
      closed = true
      const end = Date.now() + ms
      while (unsettled.size > 0 && Date.now() < end) await wait(10)
    },
    /** Refuses what is left; returns how much it was. */
    abandon() {
      const left = [...unsettled]
      for (const operation of left) operation.reject(new AppError('unavailable', 'The server is stopping; try again'))
      queue = []
      if (nap) clearTimeout(nap.timer)
      nap = null
      return left.length
    },
  }
}

export type Writer = ReturnType<typeof createWriter>
