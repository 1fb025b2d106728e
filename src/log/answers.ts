import { conflict, toAppError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/ports.ts'
import type { Operation } from './operation.ts'
import type { Tail } from './tail.ts'
import type { LogRecord, LogStore } from './types.ts'

const wait = (ms: number) => new Promise((done) => setTimeout(done, ms))

/**
 * Answers operations whose entries are stored already: repeats by a client, and earlier attempts of ours that went
 * through although nobody said so. `again` queues an operation once more.
 */
export function createAnswers(deps: {
  store: LogStore<any>
  tail(): Tail
  log: Logger
  again(operation: Operation): void
}) {
  const { store, tail, log, again } = deps
  const stats = { repeats: 0 }

  /**
   * Where one is a repeat others may be: clients that come back send again what they have no ack of. One look answers
   * all that is stored; each would stop a write of its own otherwise. Returns the rest.
   */
  async function answerRepeats(operations: Operation[]): Promise<Operation[]> {
    const keyed = operations.flatMap((operation) => {
      const { work, live } = operation
      const { senderId, clientId } = work.type === 'append' ? work.draft : { senderId: '', clientId: undefined }
      return clientId === undefined ? [] : [{ operation, key: { logId: live.logId, senderId, clientId } }]
    })
    if (keyed.length === 0) return operations
    try {
      const name = (of: { logId: string; senderId: string; clientId?: string }) =>
        `${of.logId} ${of.senderId} ${of.clientId}`
      const stored = new Map<string, LogRecord>()
      for (let start = 0; start < keyed.length; start += 200) {
        const page = keyed.slice(start, start + 200)
        for (const record of await store.byClientIds(page.map(({ key }) => key))) stored.set(name(record), record)
      }
      for (const { operation, key } of keyed) {
        const record = stored.get(name(key))
        if (record) answerWith(operation, record)
      }
    } catch (error) {
      log.warn({ err: error }, 'could not look for repeats; they are found one by one')
    }
    return operations.filter((operation) => !operation.settled)
  }

  /** Waits, as long as there is time, until the database can say whether a transaction came through. */
  async function settleDoubt(operation: Operation, records: LogRecord[]) {
    while (!operation.settled) {
      try {
        const stored = await store.byIds(records.map((record) => record._id))
        if (stored.length === records.length) {
          tail().reach(operation.live.logId, records.at(-1)!.rev)
          tail().hint(records.at(-1)!)
          operation.resolve(records)
        }
        return
      } catch (error) {
        log.warn({ err: error }, 'a transaction failed, its outcome is not known')
        await wait(200)
      }
    }
  }

  /** A repeat of a single entry answers with it; of several, nobody knows which the others were. */
  async function answerTogether(operation: Operation, drafts: { senderId: string; clientId?: string }[]) {
    const draft = drafts.length === 1 ? drafts[0]! : null
    const fingerprint = (draft as { fingerprint?: string } | null)?.fingerprint ?? ''
    const stored = draft?.clientId ? await store.byClientId(operation.live.logId, draft.senderId, draft.clientId) : null
    if (!stored || stored.fingerprint !== fingerprint) throw conflict('This clientId was used before')
    stats.repeats++
    operation.resolve([stored])
  }

  /** The clientId or the id is taken: it is a repeat, or an earlier attempt of ours went through after all. */
  async function answer(operation: Operation, byClientId: boolean) {
    if (operation.work.type !== 'append') return
    const { draft } = operation.work
    const { logId } = operation.live
    try {
      const stored = byClientId
        ? await store.byClientId(logId, draft.senderId, draft.clientId!)
        : (await store.byIds([draft.id]))[0]
      if (!stored) {
        // Taken, but not majority-committed yet.
        await wait(5)
        again(operation)
        return
      }
      answerWith(operation, stored)
    } catch (error) {
      operation.reject(toAppError(error))
    }
  }

  /** The entry of an append is stored: by an earlier attempt of ours, or as what this one repeats. */
  function answerWith(operation: Operation, stored: LogRecord) {
    if (operation.work.type !== 'append') return
    const { draft } = operation.work
    if (stored._id === draft.id) {
      // Nobody has told of it yet.
      tail().hint(stored)
      tail().reach(operation.live.logId, stored.rev)
    } else if (stored.fingerprint !== (draft.fingerprint ?? '')) {
      operation.reject(conflict('This clientId was used for another message'))
      return
    } else stats.repeats++
    operation.resolve(stored)
  }

  return { answer, answerRepeats, answerTogether, settleDoubt, stats }
}
