import { setTimeout as sleep } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import type { Random } from '../shared/random.ts'
import type { Account } from './account.ts'
import { type Attempt, dmLog, type Entry, type History, type LogId, type Op, roomLog, type Trace } from './history.ts'
import { readChange, readRoom } from './wire.ts'

/** A client of one user on one machine: it reconnects to any instance, and keeps its cursors meanwhile. */
export interface Device {
  readonly name: string
  connected(): boolean
  /** Emits once; resolves with the answer, the end of the connection, or still open after `patienceMs`. */
  emit(op: Op, event: string, payload: object, patienceMs?: number): Promise<Attempt>
  /** Reads what is new in these logs (all that it knows, where none is given) with `log:sync`. */
  sync(logs?: LogId[]): void
  /** Whether a `log:sync` is under way or wanted. */
  syncing(): boolean
  /** Ends the TCP connection without a word. */
  cut(): void
  /** The user has come into a room by its own act, as the ack says. */
  joined(log: LogId): void
  /** Whether every log that it knows was brought up to date on this connection. */
  current(): boolean
  /** Whether it was given this rev, live or by sync. */
  has(log: LogId, rev: number): boolean
  eventsSeen(): number
  stop(): void
}

interface LogState {
  trace: Trace
  /** Up to here everything was given. */
  cursor: number
  /** Synced on the present connection. */
  synced: boolean
  gone: boolean
  /** Live changes that came before the log was synced. */
  held: { rev: number; prevRev: number | null }[]
  revs: Set<number>
}

const CONNECT_TIMEOUT_MS = 3000
const SYNC_LIMIT = 200
const MAX_HELD = 1000
/** Logs in one `log:sync`. */
const SYNC_LOGS = 20

/** Makes a client and lets it connect to a random one of the instances, again and again until it is stopped. */
export function createDevice(deps: {
  name: string
  account: Account
  urls: string[]
  random: Random
  history: History
}): Device {
  const { name, account, urls, random, history } = deps
  const logs = new Map<LogId, LogState>()
  const wanted = new Set<LogId>()
  const pending = new Map<Attempt, (attempt: Attempt) => void>()
  let socket: Socket | null = null
  let ready = false
  let stopped = false
  let conn = 0
  let syncBusy = false
  let syncMissing = false
  let seen = 0

  const now = (): number => performance.now()

  function stateOf(log: LogId): LogState {
    let state = logs.get(log)
    if (!state) {
      const trace: Trace = { client: name, userId: account.userId, log, entries: [] }
      history.traces.push(trace)
      state = { trace, cursor: 0, synced: false, gone: false, held: [], revs: new Set() }
      logs.set(log, state)
    }
    return state
  }

  const write = (log: LogId, entry: Entry): void => {
    stateOf(log).trace.entries.push(entry)
  }

  async function run(): Promise<void> {
    while (!stopped) {
      const token = await account.token(random.pick(urls))
      if (token !== null && !stopped) await connectOnce(random.pick(urls), token)
      if (!stopped) await sleep(random.int(20, 300))
    }
  }

  /** One connection, from the attempt to its end. */
  async function connectOnce(url: string, token: string): Promise<void> {
    const own = io(url, {
      ...{ transports: ['websocket'], reconnection: false, forceNew: true, timeout: CONNECT_TIMEOUT_MS },
      auth: { token },
    })
    const number = ++conn
    socket = own
    ready = false
    await new Promise<void>((resolve) => {
      own.once('connect_error', (error: Error & { data?: { code?: string } }) => {
        if (error.data?.code) history.notices.push({ at: now(), client: name, kind: 'refused', code: error.data.code })
        resolve()
      })
      own.once('disconnect', () => resolve())
      own.onAny((event: string, payload: unknown) => {
        if (own === socket) receive(number, event, payload)
      })
    })
    own.removeAllListeners()
    own.disconnect()
    if (socket === own) socket = null
    ready = false
    for (const [log, state] of logs) {
      state.synced = false
      state.held = []
      write(log, { type: 'close', at: now(), conn: number })
    }
    for (const [attempt, done] of pending) {
      attempt.end = now()
      attempt.outcome = 'closed'
      done(attempt)
    }
    pending.clear()
  }

  function receive(number: number, event: string, payload: any): void {
    if (event === 'ready') {
      open(number, payload)
      return
    }
    if (event === 'session:revoked')
      history.notices.push({ at: now(), client: name, kind: 'revoked', code: 'session:revoked' })
    if (event === 'room:joined' || event === 'room:left') {
      const { roomId, rev } = readRoom(payload)
      if (roomId && event === 'room:joined') enter(roomLog(roomId), rev)
      if (roomId && event === 'room:left') leave(roomLog(roomId))
      return
    }
    const change = readChange(event, payload)
    if (!change) return
    seen++
    const { log, rev, prevRev, body } = change
    const state = stateOf(log)
    state.trace.entries.push({ type: 'live', at: now(), conn: number, rev, prevRev, body })
    state.revs.add(rev)
    if (body.kind === 'member' && body.id === account.userId) {
      if (body.change === 'joined') enter(log, rev)
      else if (body.change === 'left' || body.change === 'removed') leave(log)
    }
    if (state.gone) return
    if (state.synced || syncMissing) follow(log, state, rev, prevRev)
    else if (ready) {
      // Held back until the log is brought up to date.
      if (state.held.length < MAX_HELD) state.held.push({ rev, prevRev })
      sync([log])
    }
  }

  /** Moves the cursor on by a live change; asks for what is missing before it. */
  function follow(log: LogId, state: LogState, rev: number, prevRev: number | null): void {
    if ((prevRev ?? rev - 1) <= state.cursor || syncMissing) state.cursor = Math.max(state.cursor, rev)
    else sync([log])
  }

  function open(number: number, payload: any): void {
    ready = true
    const listed = new Map<LogId, number | null>()
    for (const room of payload?.rooms ?? []) listed.set(roomLog(room.id), room.rev ?? null)
    for (const talk of payload?.conversations ?? []) listed.set(dmLog(account.userId, talk.userId), talk.rev ?? null)
    for (const [log, state] of logs) {
      // A room that is not named is one no longer; a conversation not named may merely be old.
      if (log.startsWith('room:') && !listed.has(log)) state.gone = true
      else if (!listed.has(log)) listed.set(log, null)
    }
    for (const [log, rev] of listed) {
      stateOf(log).gone = false
      write(log, { type: 'open', at: now(), conn: number, rev })
    }
    sync([...listed.keys()])
  }

  function enter(log: LogId, rev: number | null): void {
    const state = stateOf(log)
    state.gone = false
    state.synced = false
    write(log, { type: 'joined', at: now(), conn, rev })
    sync([log])
  }

  function leave(log: LogId): void {
    stateOf(log).gone = true
    wanted.delete(log)
    write(log, { type: 'left', at: now(), conn })
  }

  function sync(chosen: LogId[] = [...logs.keys()]): void {
    for (const log of chosen) wanted.add(log)
    if (!syncBusy) void syncWanted()
  }

  /** One `log:sync` after another until nothing is wanted; an unfinished one is asked for again. */
  async function syncWanted(): Promise<void> {
    syncBusy = true
    while (wanted.size > 0 && ready && !stopped) {
      const batch = [...wanted].slice(0, SYNC_LOGS)
      for (const log of batch) wanted.delete(log)
      const cursors = new Map(batch.map((log) => [log, stateOf(log).cursor]))
      const number = conn
      const startedAt = now()
      const op: Op = { kind: 'sync', userId: account.userId, log: '', attempts: [] }
      history.ops.push(op)
      const request = batch.map((log) => ({ ...addressOf(log), rev: cursors.get(log) }))
      let answer: any = null
      const attempt = await emit(op, 'log:sync', { logs: request, limit: SYNC_LIMIT }, 20_000, (data) => {
        answer = data
        // Within the ack itself: live changes that follow in the same turn must find the cursor moved.
        if (number === conn) takeSync(batch, cursors, startedAt, data)
      })
      if (attempt.outcome === 'ok' && answer) continue
      if (attempt.code === 'invalid') {
        syncMissing = true
        const refused = { type: 'refused', at: now(), conn: number, startedAt, code: 'invalid' } as const
        for (const log of batch) write(log, refused)
        for (const log of batch) stateOf(log).synced = true
        continue
      }
      // On a new connection `ready` asks, or has asked, anew.
      if (number !== conn) continue
      for (const log of batch) wanted.add(log)
      await sleep(200)
    }
    syncBusy = false
    if (!ready) wanted.clear()
  }

  function takeSync(batch: LogId[], cursors: Map<LogId, number>, startedAt: number, data: any): void {
    for (const [index, answered] of (data?.logs ?? []).entries()) {
      const log = batch[index]
      if (log === undefined) continue
      const state = stateOf(log)
      const at = now()
      if (answered.error) {
        const code = String(answered.error.code)
        write(log, { type: 'refused', at, conn, startedAt, code })
        if (code === 'unavailable' || code === 'internal') wanted.add(log)
        if (code === 'internal') history.notices.push({ at, client: name, kind: 'refused', code })
        continue
      }
      const changes = (answered.changes ?? []).flatMap((change: any) => {
        const read = readChange(change.event, change.payload)
        return read ? [{ rev: read.rev, body: read.body }] : []
      })
      const more = Boolean(answered.more)
      const from = cursors.get(log) ?? 0
      write(log, { type: 'sync', at, conn, startedAt, from, rev: answered.rev, more, changes })
      for (const { rev } of changes) state.revs.add(rev)
      state.cursor = Math.max(state.cursor, answered.rev)
      if (more) wanted.add(log)
      else if (!state.synced) {
        state.synced = true
        for (const { rev, prevRev } of state.held.splice(0)) follow(log, state, rev, prevRev)
      }
    }
  }

  const addressOf = (log: LogId): object =>
    log.startsWith('room:')
      ? { roomId: log.slice(5) }
      : { userId: log.split(':').find((part, index) => index > 0 && part !== account.userId) }

  function emit(
    op: Op,
    event: string,
    payload: object,
    patienceMs = 6000,
    onData?: (data: any) => void,
  ): Promise<Attempt> {
    const attempt: Attempt = { client: name, at: now(), end: null, outcome: 'open' }
    op.attempts.push(attempt)
    if (!socket?.connected) {
      attempt.end = attempt.at
      attempt.outcome = 'closed'
      return Promise.resolve(attempt)
    }
    const target = socket
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(attempt), patienceMs)
      pending.set(attempt, (settled) => {
        clearTimeout(timer)
        resolve(settled)
      })
      target.emit(event, payload, (answer: any) => {
        // Answers that come after the patience was lost are written down all the same.
        pending.delete(attempt)
        clearTimeout(timer)
        takeAnswer(attempt, answer, now())
        if (attempt.outcome === 'ok') onData?.(answer.data)
        resolve(attempt)
      })
    })
  }

  void run()

  return {
    name,
    connected: () => ready && socket?.connected === true,
    emit,
    sync: (chosen) => {
      if (ready) sync(chosen)
    },
    syncing: () => syncBusy || wanted.size > 0,
    joined: (log) => enter(log, null),
    cut() {
      const engine: any = socket?.io.engine
      if (engine?.transport?.ws?.terminate) engine.transport.ws.terminate()
      else engine?.close()
    },
    current: () =>
      ready && wanted.size === 0 && [...logs.values()].every((state) => state.synced || state.gone || syncMissing),
    has: (log, rev) => logs.get(log)?.revs.has(rev) ?? false,
    eventsSeen: () => seen,
    stop() {
      stopped = true
      socket?.disconnect()
    },
  }
}

/** Writes an ack, or what a REST answer says in its terms, into the attempt. */
export function takeAnswer(attempt: Attempt, answer: any, at: number): void {
  attempt.end = at
  if (answer?.ok === true) {
    attempt.outcome = 'ok'
    const { id, rev, seq, content, clientId } = answer.data ?? {}
    Object.assign(attempt, { id, rev, seq, content, clientId })
  } else {
    attempt.outcome = 'error'
    attempt.code = String(answer?.error?.code)
    attempt.message = answer?.error?.message
  }
}
