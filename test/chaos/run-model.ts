import type { Attempt, Body, Change, History, LogId, Op, OpKind, Trace } from '../../scripts/chaos/history.ts'
import { createHistory, dmLog, roomLog } from '../../scripts/chaos/history.ts'

export const OWNER = 'anna'
export const FRIEND = 'ben'
/** Comes and goes. */
export const GUEST = 'cleo'
export const ROOM = roomLog('studio')
const TALK = dmLog(OWNER, FRIEND)
export const INSTANCES = ['instance 1', 'instance 2', 'instance 3']

/** One step of a run: what happens, with numbers to choose by. */
export interface Step {
  act:
    | 'send'
    | 'dm'
    | 'edit'
    | 'delete'
    | 'react'
    | 'pin'
    | 'come-or-go'
    | 'drop'
    | 'lag'
    | 'sync'
    | 'repeat'
    | 'conflict'
  a: number
  b: number
}

interface Client {
  name: string
  userId: string
  online: boolean
  conn: number
  /** Live changes wait until it is flushed; then superseded ones are left out. */
  lagging: boolean
  logs: Map<LogId, { trace: Trace; cursor: number; last: number; waiting: Change[]; inside: boolean }>
}

/** A run as a right server and right clients would make it: the checker must find nothing in it. */
export function playRun(steps: Step[]): History {
  const history: History = {
    ...createHistory(),
    rooms: [{ log: ROOM, ownerId: OWNER, initialIds: [OWNER, FRIEND, GUEST], permanentIds: [OWNER, FRIEND] }],
  }
  let time = 1000
  const tick = (): number => ++time
  const changes = new Map<LogId, Change[]>([
    [ROOM, []],
    [TALK, []],
  ])
  const seqs = new Map<LogId, number>()
  const sent: { log: LogId; op: Op; id: string; ack: Attempt }[] = []
  let guestInside = true

  const all = (log: LogId): Change[] => changes.get(log)!
  const latest = (log: LogId, id: string): Change => all(log).findLast((change) => change.body.id === id)!
  const superseded = (log: LogId, change: Change): boolean =>
    change.body.kind === 'message' && latest(log, change.body.id).rev > change.rev
  const compact = (log: LogId): Change[] => all(log).filter((change) => !superseded(log, change))

  const clients: Client[] = []
  for (const name of [`${OWNER}.0`, `${OWNER}.1`, `${FRIEND}.0`, `${GUEST}.0`]) {
    const userId = name.slice(0, -2)
    const client: Client = { name, userId, online: false, conn: 0, lagging: false, logs: new Map() }
    for (const log of userId === GUEST ? [ROOM] : [ROOM, TALK]) {
      const trace: Trace = { client: name, userId, log, entries: [] }
      history.traces.push(trace)
      client.logs.set(log, { trace, cursor: 0, last: 0, waiting: [], inside: true })
    }
    clients.push(client)
    connect(client)
  }

  function connect(client: Client): void {
    client.online = true
    client.lagging = false
    client.conn++
    for (const [log, state] of client.logs) {
      if (log === ROOM && client.userId === GUEST) state.inside = guestInside
      if (!state.inside) continue
      const rev = all(log).length
      state.last = rev
      state.waiting = []
      state.trace.entries.push({ type: 'open', at: tick(), conn: client.conn, rev })
      read(client, log)
    }
  }

  function disconnect(client: Client): void {
    client.online = false
    for (const { trace } of client.logs.values()) trace.entries.push({ type: 'close', at: tick(), conn: client.conn })
  }

  /** Reads to the end, three changes an answer. */
  function read(client: Client, log: LogId): void {
    const state = client.logs.get(log)!
    for (;;) {
      const startedAt = tick()
      const news = compact(log).filter((change) => change.rev > state.cursor)
      const page = news.slice(0, 3)
      const more = news.length > page.length
      const rev = more ? page.at(-1)!.rev : Math.max(state.cursor, all(log).length)
      state.trace.entries.push({
        type: 'sync',
        at: tick(),
        conn: client.conn,
        startedAt,
        from: state.cursor,
        rev,
        more,
        changes: page,
      })
      state.cursor = rev
      if (!more) return
    }
  }

  function flush(client: Client): void {
    client.lagging = false
    for (const [log, state] of client.logs) {
      for (const change of state.waiting.splice(0)) {
        if (superseded(log, change)) continue
        state.trace.entries.push({ type: 'live', at: tick(), conn: client.conn, prevRev: state.last, ...change })
        state.last = change.rev
        state.cursor = Math.max(state.cursor, change.rev)
      }
    }
  }

  function append(log: LogId, body: Body): Change {
    const change = { rev: all(log).length + 1, body }
    all(log).push(change)
    for (const client of clients) {
      const state = client.logs.get(log)
      if (!client.online || !state?.inside) continue
      state.waiting.push(change)
      if (!client.lagging) flush(client)
    }
    return change
  }

  function record(kind: OpKind, userId: string, log: LogId, fields: Partial<Op> = {}): Op {
    const op: Op = { kind, userId, log, attempts: [], ...fields }
    history.ops.push(op)
    return op
  }

  function attempt(op: Op): Attempt {
    const made: Attempt = { client: `${op.userId}.0`, at: tick(), end: null, outcome: 'open' }
    op.attempts.push(made)
    return made
  }

  function ack(made: Attempt, change?: Change): void {
    made.end = tick()
    made.outcome = 'ok'
    if (!change) return
    const { id, seq, content, clientId } = change.body
    Object.assign(made, { id, seq, content, clientId, rev: change.rev })
  }

  function send(log: LogId, userId: string, lostAcks: number): void {
    const number = history.ops.length
    const clientId = `c${number}`
    const content = `line ${number}`
    const op = record('send', userId, log, { clientId, content })
    const attempts = [attempt(op)]
    const seq = (seqs.get(log) ?? 0) + 1
    seqs.set(log, seq)
    const body: Body = { kind: 'message', id: `m${number}`, senderId: userId, clientId, content, seq }
    const change = append(log, { ...body, system: false, deleted: false, pinned: false, reactions: [] })
    for (let i = 0; i < lostAcks; i++) {
      Object.assign(attempts.at(-1)!, { end: tick(), outcome: 'closed' })
      attempts.push(attempt(op))
    }
    ack(attempts.at(-1)!, change)
    sent.push({ log, op, id: body.id, ack: attempts.at(-1)! })
  }

  function alter(kind: 'edit' | 'delete' | 'react' | 'pin', pick: number, on: boolean): void {
    const target = sent[pick % Math.max(1, sent.length)]
    if (!target) return
    const { log, id } = target
    const { body } = latest(log, id)
    if (body.deleted) return
    const userId = kind === 'react' || kind === 'pin' ? OWNER : body.senderId!
    const op = record(kind, userId, log, { messageId: id })
    if (kind === 'edit') op.content = `edit ${history.ops.length}`
    if (kind === 'react') op.emoji = '🥁'
    if (kind === 'react' || kind === 'pin') op.on = kind === 'react' || on
    const made = attempt(op)
    const reactions = [...new Set([...body.reactions!, `🥁/${userId}`])]
    const next: Record<typeof kind, Partial<Body>> = {
      edit: { content: op.content },
      delete: { content: '', deleted: true, reactions: [], pinned: false },
      react: { reactions },
      pin: { pinned: op.on },
    }
    ack(made, append(log, { ...body, ...next[kind] }))
  }

  function comeOrGo(byItself: boolean): void {
    const guest = clients.find((client) => client.userId === GUEST)!
    const state = guest.logs.get(ROOM)!
    const kind = guestInside ? (byItself ? 'leave' : 'remove') : byItself ? 'join' : 'invite'
    const op = record(kind, byItself ? GUEST : OWNER, ROOM, { targetId: GUEST })
    const made = attempt(op)
    if (guestInside) {
      flush(guest)
      append(ROOM, { kind: 'member', id: GUEST, change: byItself ? 'left' : 'removed' })
      if (guest.online) state.trace.entries.push({ type: 'left', at: tick(), conn: guest.conn })
      state.inside = false
    } else {
      const { rev } = append(ROOM, { kind: 'member', id: GUEST, change: 'joined' })
      if (guest.online) {
        state.inside = true
        state.last = rev
        state.trace.entries.push({ type: 'joined', at: tick(), conn: guest.conn, rev })
        read(guest, ROOM)
      }
    }
    guestInside = !guestInside
    ack(made)
  }

  for (const { act, a, b } of steps) {
    const client = clients[a % clients.length]!
    const old = sent[a % Math.max(1, sent.length)]
    if (act === 'send') send(ROOM, a % 2 ? OWNER : FRIEND, b % 3)
    else if (act === 'dm') send(TALK, a % 2 ? OWNER : FRIEND, b % 2)
    else if (act === 'come-or-go') comeOrGo(a % 2 === 0)
    else if (act === 'drop') {
      if (client.online) disconnect(client)
      else connect(client)
    } else if (act === 'lag') {
      if (!client.online) continue
      if (client.lagging) flush(client)
      else client.lagging = true
    } else if (act === 'sync') {
      if (client.online) for (const [log, state] of client.logs) if (state.inside) read(client, log)
    } else if (act === 'repeat') {
      if (old) ack(attempt(old.op), latest(old.log, old.id))
    } else if (act === 'conflict') {
      if (!old) continue
      const { userId, clientId } = old.op
      const made = attempt(record('send', userId, old.log, { clientId, content: 'another', expectConflict: true }))
      Object.assign(made, { end: tick(), outcome: 'error', code: 'conflict' })
    } else alter(act, a, b % 2 === 0)
  }

  for (const client of clients) {
    if (!client.online) connect(client)
    flush(client)
    for (const [log, state] of client.logs) if (state.inside) read(client, log)
  }
  history.quietAt = tick()
  send(ROOM, OWNER, 0)
  send(TALK, FRIEND, 0)
  for (const log of [ROOM, TALK])
    for (const instance of INSTANCES) {
      history.finals.push({ instance, log, source: 'sync', changes: compact(log) })
      const messages = compact(log).filter((change) => change.body.kind === 'message')
      history.finals.push({ instance, log, source: 'history', changes: messages })
    }
  history.endedAt = tick()
  return history
}
