import { AppError } from '../../src/kernel/errors.ts'
import { newId } from '../../src/kernel/ids.ts'
import type { Bus, Logger } from '../../src/kernel/ports.ts'
import { createLog, type Log } from '../../src/log/log.ts'
import type { Draft, LogKind, LogRecord, LogStore, WriteOutcome, WriteStep } from '../../src/log/types.ts'

export const wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))

export const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

export interface Faults {
  /** Chance that a call fails before it did anything. */
  before: number
  /** Chance that a write fails, or its answer is lost, after some of it or all was done. */
  after: number
  /** Chance that a write is reported failed first and done later. */
  late: number
  /** Longest delays, in milliseconds: of a call, and until what is written is majority-committed. */
  delay: number
  lag: number
}

class MongoNetworkError extends Error {
  override name = 'MongoNetworkError'
}

/** A database in memory that is as slow, as late and as unreliable as a real one may be, and never wrong. */
export function createMemoryStore(random: () => number, faults: Faults) {
  const primary = new Map<string, LogRecord>()
  const visible = new Map<string, LogRecord>()
  /** Who has, or had, a rev. */
  const slots = new Map<string, string>()
  const clientIds = new Set<string>()
  let committing: Promise<void> = Promise.resolve()
  const pause = (most: number) => wait(Math.floor(random() * (most + 1)))
  const clientKey = (record: LogRecord) =>
    record.clientId === undefined ? null : `${record.logId}\n${record.senderId}\n${record.clientId}`

  function put(record: LogRecord) {
    primary.set(record._id, record)
    committing = committing.then(() => pause(faults.lag)).then(() => void visible.set(record._id, record))
  }

  function apply(steps: WriteStep[], most = steps.length): WriteOutcome {
    const stale: number[] = []
    for (const [index, step] of steps.slice(0, most).entries()) {
      const { record } = step
      const slot = `${record.logId} ${record.rev}`
      if (step.type === 'insert') {
        if (primary.has(record._id)) return { done: index, stale, stopped: 'id' }
        const key = clientKey(record)
        if (key && clientIds.has(key)) return { done: index, stale, stopped: 'clientId' }
        if (slots.has(slot)) return { done: index, stale, stopped: 'rev' }
        if (record['unstorable']) return { done: index, stale, stopped: 'invalid', cause: new Error('too large') }
        if (key) clientIds.add(key)
        slots.set(slot, record._id)
        put(structuredClone(record))
      } else {
        const current = primary.get(step.id)
        if (current?.rev !== step.fromRev) stale.push(index)
        else if ((slots.get(slot) ?? step.id) !== step.id) return { done: index, stale, stopped: 'rev' }
        else {
          slots.set(slot, step.id)
          put({ ...current, ...structuredClone(step.set) })
        }
      }
    }
    return { done: most, stale }
  }

  async function write(steps: WriteStep[]): Promise<WriteOutcome> {
    if (steps.some((step) => step.record['unsendable'])) throw new TypeError('can not be encoded')
    await pause(faults.delay)
    const luck = random()
    if (luck < faults.before) throw new MongoNetworkError('lost before')
    if (luck < faults.before + faults.late) {
      void pause(60).then(() => apply(steps))
      throw new MongoNetworkError('done later')
    }
    if (luck < faults.before + faults.late + faults.after) {
      apply(steps, Math.floor(random() * (steps.length + 1)))
      throw new MongoNetworkError('lost after')
    }
    const outcome = apply(steps)
    await committing
    await pause(faults.delay)
    return outcome
  }

  async function read<T>(look: (entries: LogRecord[]) => T): Promise<T> {
    await pause(faults.delay)
    if (random() < faults.before) throw new MongoNetworkError('lost before')
    const found = structuredClone(look([...visible.values()]))
    await pause(faults.delay)
    return found
  }

  const store: LogStore<null> = {
    heads: (logIds) =>
      read((entries) => {
        const heads = new Map<string, { rev: number; seq: number }>()
        for (const entry of entries) {
          if (!logIds.includes(entry.logId) || entry.rev <= (heads.get(entry.logId)?.rev ?? 0)) continue
          heads.set(entry.logId, { rev: entry.rev, seq: entry.logSeq })
        }
        return heads
      }),
    after: (logId, rev, limit) =>
      read((entries) =>
        entries
          .filter((entry) => entry.logId === logId && entry.rev > rev)
          .sort((one, other) => one.rev - other.rev)
          .slice(0, limit),
      ),
    byIds: (ids) => read((entries) => entries.filter((entry) => ids.includes(entry._id))),
    byClientIds: (keys) =>
      read((entries) =>
        entries.filter((entry) =>
          keys.some(
            (key) => key.logId === entry.logId && key.senderId === entry.senderId && key.clientId === entry.clientId,
          ),
        ),
      ),
    byClientId: (logId, senderId, clientId) =>
      read(
        (entries) =>
          entries.find(
            (entry) => entry.logId === logId && entry.senderId === senderId && entry.clientId === clientId,
          ) ?? null,
      ),
    write,
    async writeTogether(records, within) {
      await within(null)
      const steps = records.map((record): WriteStep => ({ type: 'insert', record }))
      await pause(faults.delay)
      const luck = random()
      if (luck < faults.before) throw new MongoNetworkError('lost before')
      for (const { _id, logId, rev } of records) {
        if (primary.has(_id)) return { done: 0, stale: [], stopped: 'id' }
        if (slots.has(`${logId} ${rev}`)) return { done: 0, stale: [], stopped: 'rev' }
      }
      const outcome = apply(steps)
      await committing
      if (luck < faults.before + faults.after) throw new MongoNetworkError('lost after')
      return outcome
    },
  }
  return { store, slots, settled: () => committing, all: () => [...primary.values()] }
}

/** Carries hints between instances: late, out of order, twice, or not at all. */
export function createHub(random: () => number, chances: { lost: number; twice: number; delay: number }) {
  const buses = new Map<string, (topic: string, message: string) => void>()
  return {
    join(instanceId: string): Bus & { leave(): void } {
      const handlers: [string, (message: string) => void][] = []
      buses.set(instanceId, (topic, message) => {
        for (const [name, handler] of handlers) if (name === topic) handler(message)
      })
      const publish = (topic: string, message: string) => {
        for (const [id, deliver] of buses) {
          if (id === instanceId || random() < chances.lost) continue
          for (let copies = random() < chances.twice ? 2 : 1; copies > 0; copies--) {
            const late = Math.floor(random() * (chances.delay + 1))
            if (late === 0) queueMicrotask(() => buses.get(id) === deliver && deliver(topic, message))
            else setTimeout(() => buses.get(id) === deliver && deliver(topic, message), late)
          }
        }
      }
      return {
        instanceId,
        state: 'up',
        publish,
        announce: publish,
        subscribe: (topic, handler) => handlers.push([topic, handler]),
        onReconnect() {},
        async close() {},
        leave: () => void buses.delete(instanceId),
      }
    },
  }
}

export interface Delivered {
  event: string
  id: string
  rev: number
  prevRev: number
  isNew: boolean
}

export interface Instance {
  log: Log
  /** What each log has delivered here, and the rev that it was opened at. */
  delivered: Map<string, Delivered[]>
  from: Map<string, number>
  crash(): void
}

/** Whether a log is closed for guarded entries: what the trivial kind of log folds. */
export interface ClosedState {
  closed: boolean
}

export const refuseClosed = (live: { state: ClosedState }) => {
  if (live.state.closed) throw new AppError('forbidden', 'closed')
}

export interface InstanceOptions {
  compareMs?: number
  patienceMs?: number
  kind?: Partial<LogKind<ClosedState>>
  logger?: Logger
}

/** An instance with the simplest kind of log, on any store. */
export function createInstance(
  store: LogStore<any>,
  bus: Bus & { leave?(): void },
  { compareMs = 25, patienceMs = 4_000, kind = {}, logger = quiet }: InstanceOptions = {},
): Instance {
  const delivered = new Map<string, Delivered[]>()
  const from = new Map<string, number>()
  const plain: LogKind<ClosedState> = {
    async open(logIds) {
      const states = new Map<string, ClosedState>()
      for (const logId of logIds) {
        const entries = await store.after(logId, 0, 100_000)
        states.set(logId, { closed: entries.some((entry) => entry.kind === 'Close') })
      }
      return states
    },
    apply(state, record) {
      if (record.kind === 'Close') state.closed = true
    },
    prepare: async (records) => records.map(() => null),
    render: (record, since) => ({
      event: record.event,
      payload: { id: record._id, rev: record.rev, isNew: record.firstRev > since },
    }),
    deliver(logId, packet) {
      const list = delivered.get(logId) ?? []
      delivered.set(logId, list)
      list.push(JSON.parse(packet))
    },
    settle() {},
    isControl: (record) => record.kind === 'Close',
    wanted: () => false,
    ...kind,
  }
  const log = createLog({
    store,
    bus,
    kindOf: () => plain,
    encode: (event, payload, prevRev) => JSON.stringify({ event, ...payload, prevRev }),
    log: logger,
    compareMs,
    patienceMs,
  })
  return {
    log,
    delivered,
    from,
    crash() {
      bus.leave?.()
      log.close(0).catch(() => {})
    },
  }
}

export function draftOf(fields: Partial<Draft> & { content?: string } = {}): Draft {
  const { content = 'x', ...rest } = fields
  return {
    id: newId(),
    kind: 'ChatMessage',
    event: 'room:message',
    senderId: 'a',
    fingerprint: content,
    counts: true,
    body: { content },
    ...rest,
  }
}

/** What must hold of a log's entries in the store, and of what an instance delivered of it. */
export function faultsOf(entries: LogRecord[], owner: (rev: number) => string | undefined): string[] {
  const faults: string[] = []
  const revs = new Set(entries.map((entry) => entry.rev))
  if (revs.size !== entries.length) faults.push('two entries have one rev')
  const byId = new Map(entries.map((entry) => [entry._id, entry]))
  const head = Math.max(0, ...revs)
  for (let rev = 1; rev <= head; rev++) {
    if (revs.has(rev)) continue
    const moved = byId.get(owner(rev) ?? '')
    if (!moved || moved.rev <= rev) faults.push(`rev ${rev} is a hole`)
  }
  const inOrder = [...entries].sort((one, other) => one.firstRev - other.firstRev).filter((entry) => entry.seq)
  inOrder.forEach((entry, index) => {
    if (entry.seq !== index + 1) faults.push(`seq ${entry.seq} stands where ${index + 1} should`)
  })
  const clientIds = entries.flatMap((entry) => (entry.clientId ? [`${entry.senderId} ${entry.clientId}`] : []))
  if (new Set(clientIds).size !== clientIds.length) faults.push('a clientId is there twice')
  return faults
}

export function faultsOfDelivery(
  entries: LogRecord[],
  owner: (rev: number) => string | undefined,
  from: number,
  delivered: Delivered[],
): string[] {
  const faults: string[] = []
  const byId = new Map(entries.map((entry) => [entry._id, entry]))
  const seen = new Set(delivered.map((change) => change.rev))
  let at = from
  for (const change of delivered) {
    if (change.rev <= at) faults.push(`rev ${change.rev} came after ${at}`)
    if (change.prevRev !== at) faults.push(`rev ${change.rev} says it follows ${change.prevRev}, not ${at}`)
    at = change.rev
  }
  const head = Math.max(0, ...entries.map((entry) => entry.rev))
  for (let rev = from + 1; rev <= head; rev++) {
    if (seen.has(rev)) continue
    const moved = byId.get(owner(rev) ?? '')
    if (!moved || moved.rev <= rev || !seen.has(moved.rev)) faults.push(`rev ${rev} was not delivered`)
  }
  return faults
}
