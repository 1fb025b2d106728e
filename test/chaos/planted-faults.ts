import type { Body, Change, Entry, History, Op, Trace } from '../../scripts/chaos/history.ts'
import type { Kind } from '../../scripts/chaos/verdict.ts'
import { FRIEND, GUEST, INSTANCES, OWNER, ROOM } from './run-model.ts'

type Live = Extract<Entry, { type: 'live' }>
type Sync = Extract<Entry, { type: 'sync' }>

export interface Plant {
  kind: Kind
  what: string
  /** Spoils the history; false where it holds nothing that could be spoilt so. */
  plant(history: History): boolean
}

const finalChanges = (history: History): Change[] =>
  history.finals.find((final) => final.log === ROOM && final.source === 'sync')!.changes
const editFinals = (history: History, edit: (changes: Change[]) => Change[]): boolean => {
  for (const final of history.finals) if (final.log === ROOM) final.changes = edit(final.changes)
  return true
}
const traceOf = (history: History, client: string): Trace =>
  history.traces.find((trace) => trace.client === client && trace.log === ROOM)!
const isLive = (entry: Entry): entry is Live => entry.type === 'live'
const isSync = (entry: Entry): entry is Sync => entry.type === 'sync'
const probeAt = (history: History): number => history.quietAt!
const ackedSend = (history: History): Op | undefined =>
  history.ops.find((op) => op.kind === 'send' && op.log === ROOM && !op.expectConflict)

/** Two neighbours, live on one connection. */
function neighbours(trace: Trace, fits: (a: Live, b: Live) => boolean): [Live, Live] | null {
  for (let i = 1; i < trace.entries.length; i++) {
    const [a, b] = [trace.entries[i - 1]!, trace.entries[i]!]
    if (isLive(a) && isLive(b) && fits(a, b)) return [a, b]
  }
  return null
}

/** Whether a sync answer gave it as well. */
const wasSynced = (trace: Trace, rev: number): boolean =>
  trace.entries.some((entry) => isSync(entry) && entry.changes.some((change) => change.rev === rev))

function forget(trace: Trace, rev: number): void {
  trace.entries = trace.entries.filter((entry) => !isLive(entry) || entry.rev !== rev)
  for (const entry of trace.entries)
    if (isSync(entry)) entry.changes = entry.changes.filter((change) => change.rev !== rev)
}

function addAttempt(op: Op | undefined, attempt: Partial<Op['attempts'][number]>): boolean {
  if (!op) return false
  op.attempts.push({ client: 'anna.0', at: 5, end: 6, outcome: 'error', ...attempt })
  return true
}

const changeBody = (history: History, change: (body: Body) => Body): boolean => {
  const entry = traceOf(history, `${FRIEND}.0`).entries.find((found) => isLive(found) && found.body.kind === 'message')
  if (!entry || !isLive(entry)) return false
  entry.body = change(entry.body)
  return true
}

/** Every way in which a server could break its word, and the kind by which each must be found. */
export const PLANTS: Plant[] = [
  {
    kind: 'lost',
    what: 'an acked message that is not in the final log',
    plant(history) {
      const id = ackedSend(history)?.attempts.at(-1)?.id
      return id !== undefined && editFinals(history, (changes) => changes.filter((change) => change.body.id !== id))
    },
  },
  {
    kind: 'lost',
    what: 'an acked edit, deletion, reaction or pin that the final log lacks',
    plant(history) {
      const op = history.ops.find((found) => found.messageId && found.log === ROOM)
      const id = op?.messageId
      if (!op || !id) return false
      const seen = history.traces.flatMap((trace) => (trace.log === ROOM ? trace.entries : [])).filter(isLive)
      const first = seen.find((entry) => entry.body.id === id)
      if (!first || first.rev >= op.attempts[0]!.rev!) return false
      return editFinals(history, (changes) =>
        changes
          .map((change) => (change.body.id === id ? { rev: first.rev, body: first.body } : change))
          .sort((a, b) => a.rev - b.rev),
      )
    },
  },
  {
    kind: 'lost',
    what: 'an acked reaction that is missing though its rev was passed',
    plant(history) {
      const found = finalChanges(history).find(({ body }) => !body.deleted && body.reactions?.length)
      return (
        found !== undefined &&
        editFinals(history, (changes) =>
          changes.map((change) =>
            change.rev === found.rev ? { ...change, body: { ...change.body, reactions: [] } } : change,
          ),
        )
      )
    },
  },
  {
    kind: 'unseen',
    what: 'a change that one client of a member never got',
    plant(history) {
      const rev = finalChanges(history)[0]!.rev
      forget(traceOf(history, `${FRIEND}.0`), rev)
      return true
    },
  },
  {
    kind: 'unseen',
    what: 'a change of the quiet time that came only by asking',
    plant(history) {
      const trace = traceOf(history, `${FRIEND}.0`)
      const index = trace.entries.findIndex((entry) => isLive(entry) && entry.at > probeAt(history))
      const entry = trace.entries[index] as Live
      const { at, conn, rev, body } = entry
      trace.entries[index] = {
        type: 'sync',
        at,
        conn,
        startedAt: at,
        from: rev - 1,
        rev,
        more: false,
        changes: [{ rev, body }],
      }
      return true
    },
  },
  {
    kind: 'twice',
    what: 'one change given live twice',
    plant(history) {
      const trace = traceOf(history, `${OWNER}.0`)
      const index = trace.entries.findIndex(isLive)
      if (index < 0) return false
      trace.entries.splice(index, 0, { ...(trace.entries[index] as Live) })
      return true
    },
  },
  {
    kind: 'twice',
    what: 'one change twice in a sync answer',
    plant(history) {
      const entry = traceOf(history, `${OWNER}.0`).entries.find((found) => isSync(found) && found.changes.length > 0)
      if (!entry || !isSync(entry)) return false
      entry.changes.push(entry.changes.at(-1)!)
      return true
    },
  },
  {
    kind: 'twice',
    what: 'one clientId stored as two messages',
    plant(history) {
      const changes = finalChanges(history)
      const last = changes.findLast(({ body }) => body.kind === 'message')!
      const again = { rev: changes.at(-1)!.rev + 1, body: { ...last.body, id: 'again', seq: last.body.seq! + 1 } }
      return editFinals(history, (all) => [...all, again])
    },
  },
  {
    kind: 'gap',
    what: 'a live change left out, which nothing superseded, and healed later by asking',
    plant(history) {
      const trace = traceOf(history, `${FRIEND}.0`)
      const truth = new Set(finalChanges(history).map((change) => change.rev))
      const pair = neighbours(trace, (a) => truth.has(a.rev) && !wasSynced(trace, a.rev))
      if (!pair) return false
      const [a, b] = pair
      trace.entries = trace.entries.filter((entry) => entry !== a)
      b.prevRev = a.prevRev
      const last = trace.entries.at(-1)!
      const changes = [{ rev: a.rev, body: a.body }]
      trace.entries.push({
        type: 'sync',
        at: last.at,
        conn: last.conn,
        startedAt: last.at,
        from: a.rev - 1,
        rev: a.rev,
        more: false,
        changes,
      })
      // Only where something precedes on this line can a client tell.
      return (
        trace.entries.indexOf(b) > 0 &&
        trace.entries.slice(0, trace.entries.indexOf(b)).some((e) => isSync(e) && e.conn === b.conn && e.rev < a.rev)
      )
    },
  },
  {
    kind: 'gap',
    what: 'a prevRev above everything that was given',
    plant(history) {
      const pair = neighbours(traceOf(history, `${FRIEND}.0`), (a, b) => b.rev === a.rev + 1)
      if (!pair) return false
      pair[1].prevRev = pair[1].rev
      return true
    },
  },
  {
    kind: 'gap',
    what: 'a change left out before anything superseded it',
    plant(history) {
      const truth = new Set(finalChanges(history).map((change) => change.rev))
      const trace = traceOf(history, `${OWNER}.1`)
      const later = (a: Live): Op[] =>
        history.ops.filter((op) => op.attempts.some((attempt) => attempt.id === a.body.id && attempt.rev! > a.rev))
      const pair = neighbours(
        trace,
        (a, b) =>
          !truth.has(a.rev) &&
          !wasSynced(trace, a.rev) &&
          later(a).every((op) => op.attempts.every(({ at }) => at > b.at)),
      )
      if (!pair) return false
      pair[1].prevRev = pair[0].prevRev
      trace.entries = trace.entries.filter((entry) => entry !== pair[0])
      return trace.entries.some((entry) => isLive(entry) && entry.conn === pair[1].conn && entry.rev < pair[0].rev)
    },
  },
  {
    kind: 'gap',
    what: 'a change left out of a sync answer',
    plant(history) {
      const truth = new Set(finalChanges(history).map((change) => change.rev))
      for (const entry of traceOf(history, `${FRIEND}.0`).entries) {
        if (!isSync(entry)) continue
        const index = entry.changes.findIndex((change) => truth.has(change.rev))
        if (index < 0) continue
        entry.changes = entry.changes.toSpliced(index, 1)
        return true
      }
      return false
    },
  },
  {
    kind: 'reordered',
    what: 'two live changes in the wrong order',
    plant(history) {
      const trace = traceOf(history, `${OWNER}.0`)
      const pair = neighbours(trace, () => true)
      if (!pair) return false
      const index = trace.entries.indexOf(pair[0])
      trace.entries.splice(index, 2, pair[1], pair[0])
      return true
    },
  },
  {
    kind: 'reordered',
    what: 'a sync answer in the wrong order',
    plant(history) {
      const entry = history.traces
        .flatMap((trace) => trace.entries)
        .find((found) => isSync(found) && found.changes.length > 1)
      if (!entry || !isSync(entry)) return false
      entry.changes = entry.changes.toReversed()
      return true
    },
  },
  {
    kind: 'reordered',
    what: 'a sync answer from below its cursor',
    plant(history) {
      const entry = history.traces
        .flatMap((trace) => trace.entries)
        .find((found) => isSync(found) && found.changes.length > 0)
      if (!entry || !isSync(entry)) return false
      entry.from = entry.changes[0]!.rev
      return true
    },
  },
  {
    kind: 'invented',
    what: 'a message that nobody sent',
    plant: (history) => changeBody(history, (body) => ({ ...body, clientId: 'nobody' })),
  },
  {
    kind: 'invented',
    what: 'a content that nobody wrote',
    plant: (history) => changeBody(history, (body) => ({ ...body, content: 'garbled' })),
  },
  {
    kind: 'diverged',
    what: 'another state at one rev',
    plant(history) {
      const revs = new Set(finalChanges(history).map((change) => change.rev))
      const { entries } = traceOf(history, `${FRIEND}.0`)
      const entry = entries.find((found) => isLive(found) && found.body.kind === 'message' && revs.has(found.rev))
      if (!entry || !isLive(entry)) return false
      entry.body = { ...entry.body, pinned: !entry.body.pinned }
      return true
    },
  },
  {
    kind: 'diverged',
    what: 'an instance whose final log differs',
    plant(history) {
      const final = history.finals.find(
        (found) => found.log === ROOM && found.instance === INSTANCES[2] && found.source === 'sync',
      )!
      final.changes = final.changes.slice(0, -1)
      return true
    },
  },
  {
    kind: 'diverged',
    what: 'a history that differs from the log',
    plant(history) {
      const final = history.finals.find((found) => found.log === ROOM && found.source === 'history')!
      final.changes = final.changes.map((change, i) =>
        i === 0 ? { ...change, body: { ...change.body, content: 'other' } } : change,
      )
      return true
    },
  },
  {
    kind: 'afterRemoval',
    what: 'a change given to somebody who had been removed',
    plant(history) {
      const removal = finalChanges(history).find(({ body }) => body.change === 'removed' || body.change === 'left')
      const next =
        removal && finalChanges(history).find((change) => change.rev > removal.rev && change.body.kind === 'message')
      const op = history.ops.find((found) => found.kind === 'remove' || found.kind === 'leave')
      if (!next || !op) return false
      const trace = traceOf(history, `${GUEST}.0`)
      const at = op.attempts[0]!.end!
      const again = finalChanges(history).find((change) => change.rev > removal.rev && change.body.change === 'joined')
      if (again) {
        if (again.rev < next.rev) return false
        // The checker can only date the return if somebody saw it before the next removal.
        const second = history.ops.filter((found) => found.kind === 'remove' || found.kind === 'leave')[1]
        const entries = history.traces.flatMap((found) => (found.log === ROOM ? found.entries : [])).filter(isLive)
        const known = Math.min(...entries.filter((entry) => entry.rev === again.rev).map((entry) => entry.at))
        if (known === Infinity || (second && known > second.attempts[0]!.at)) return false
      }
      trace.entries.push({ type: 'live', at, conn: 99, prevRev: next.rev - 1, ...next })
      return true
    },
  },
  {
    kind: 'seq',
    what: 'a hole in the numbers of messages',
    plant: (history) =>
      editFinals(history, (changes) =>
        changes.map((change) =>
          change.body.kind === 'message' ? { ...change, body: { ...change.body, seq: change.body.seq! + 1 } } : change,
        ),
      ),
  },
  {
    kind: 'seq',
    what: 'a message whose number changed',
    plant: (history) => changeBody(history, (body) => ({ ...body, seq: body.seq! + 1 })),
  },
  {
    kind: 'ackMismatch',
    what: 'a repeat answered with another message',
    plant(history) {
      const op = ackedSend(history)
      return addAttempt(op, { ...op?.attempts.at(-1), id: 'other' })
    },
  },
  {
    kind: 'ackMismatch',
    what: 'a repeat answered with conflict',
    plant: (history) => addAttempt(ackedSend(history), { code: 'conflict' }),
  },
  {
    kind: 'ackMismatch',
    what: 'other content under one clientId answered ok',
    plant(history) {
      const op = ackedSend(history)!
      history.ops.push({ ...op, content: 'another', expectConflict: true, attempts: [op.attempts.at(-1)!] })
      return true
    },
  },
  {
    kind: 'ackMismatch',
    what: 'an ack with a content that was not sent',
    plant(history) {
      ackedSend(history)!.attempts.at(-1)!.content = 'garbled'
      return true
    },
  },
  {
    kind: 'hang',
    what: 'an ack never called on a living connection',
    plant: (history) => addAttempt(ackedSend(history), { at: history.endedAt - 31_000, end: null, outcome: 'open' }),
  },
  {
    kind: 'hang',
    what: 'a connection that ended after waiting too long',
    plant: (history) => addAttempt(ackedSend(history), { at: 0, end: 31_000, outcome: 'closed' }),
  },
  {
    kind: 'hang',
    what: 'a client that cannot catch up',
    plant: (history) => history.notices.push({ at: 1, client: 'anna.0', kind: 'stuck', code: 'not connected' }) > 0,
  },
  {
    kind: 'badAck',
    what: 'a code that the contract does not know',
    plant: (history) => addAttempt(ackedSend(history), { code: 'oops' }),
  },
  {
    kind: 'badAck',
    what: 'a member refused as none',
    plant: (history) => addAttempt(ackedSend(history), { code: 'not_found' }),
  },
  {
    kind: 'badAck',
    what: 'a valid token refused',
    plant: (history) => history.notices.push({ at: 1, client: 'anna.0', kind: 'refused', code: 'unauthenticated' }) > 0,
  },
  {
    kind: 'badAck',
    what: 'a session ended for nothing',
    plant: (history) => history.notices.push({ at: 1, client: 'anna.0', kind: 'revoked', code: 'session:revoked' }) > 0,
  },
  {
    kind: 'internal',
    what: 'an internal error',
    plant: (history) => addAttempt(ackedSend(history), { code: 'internal' }),
  },
  {
    kind: 'internal',
    what: 'an instance that ended by itself',
    plant: (history) => history.notices.push({ at: 1, client: 'instance 1', kind: 'crashed', code: 'internal' }) > 0,
  },
]
