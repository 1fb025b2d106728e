import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'

/** An event as a socket received it. */
export interface Received {
  event: string
  payload: any
  /** By this process's monotonic clock, in milliseconds. */
  at: number
}

/** What an ack with `ok: false` said. */
class AckError extends Error {
  readonly code: string
  readonly details: { path: string; message: string }[] | undefined
  readonly retryAfterMs: number | undefined

  constructor(event: string, error: { code: string; message: string; details?: any; retryAfterMs?: number }) {
    super(`${event}: ${error.code}: ${error.message}`)
    this.code = error.code
    this.details = error.details
    this.retryAfterMs = error.retryAfterMs
  }
}

/** A stock Socket.IO client with all that it received. */
export interface TestSocket {
  socket: Socket
  userId: string
  /** The payload of its `ready`. */
  ready: any
  /** All events since it connected, `ready` first. */
  received: Received[]
  /** Why it was disconnected, where it was. */
  closedBy(): string | undefined
  /** Emits and awaits the ack: its data. Throws an AckError for `ok: false`, and when no ack comes in `ackMs`. */
  emit(event: string, payload?: unknown): Promise<any>
  /** The code of the ack: `ok` or an error's. */
  codeOf(event: string, payload?: unknown): Promise<string>
  /** Payloads of one event received so far, those that `where` accepts. */
  of(event: string, where?: (payload: any) => boolean): any[]
  /** The first such event, from the past or to come. */
  next(event: string, where?: (payload: any) => boolean, ms?: number): Promise<any>
  /** Changes of a room's log, or of the conversation with `userId`, in the order received. */
  changes(log: { roomId: string } | { userId: string }): Received[]
  /** Resolves once a change of the log with at least this rev was received. */
  reach(log: { roomId: string } | { userId: string }, rev: number, ms?: number): Promise<void>
  close(): void
}

/** Longest wait for an ack or a `ready`, in milliseconds: only a fault takes this long, however busy the machine is. */
export const ackMs = 60_000
/** Pauses of `until`: the first, and the longest where asking costs something. */
const pauseMs = 5
const longestPauseMs = 50

/**
 * Resolves as soon as `predicate` gives something true, with that; throws after `ms`. Asks every 5 ms; one that answers
 * later, mostly by a server, ever less often down to every 50 ms.
 */
export async function until<T>(
  predicate: () => T | Promise<T>,
  ms = 30_000,
  what = `${predicate}`,
): Promise<Exclude<T, false | undefined | null | 0 | ''>> {
  const deadline = Date.now() + ms
  for (let pause = pauseMs; ; ) {
    const answer = predicate()
    const value = await answer
    if (value) return value as never
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`)
    await new Promise((done) => setTimeout(done, pause))
    if (answer instanceof Promise) pause = Math.min(longestPauseMs, pause * 1.5)
  }
}

/** Connects a stock client and waits for its `ready`. Throws an AckError where the handshake is refused. */
export async function connectSocket(
  url: string,
  token: string,
  options: Partial<ManagerOptions & SocketOptions> = {},
): Promise<TestSocket> {
  const socket = io(url, {
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
    auth: { token },
    ...options,
  })
  const received: Received[] = []
  let closedBy: string | undefined
  socket.onAny((event: string, payload: unknown) => received.push({ event, payload, at: performance.now() }))
  socket.on('disconnect', (reason) => {
    closedBy = reason
  })
  let ready: any
  try {
    ready = await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no ready within ${ackMs} ms`)), ackMs)
      const settle = (act: () => void) => {
        clearTimeout(late)
        act()
      }
      socket.once('ready', (payload) => settle(() => resolve(payload)))
      socket.once('connect_error', (error: any) =>
        settle(() => reject(error.data?.code ? new AckError('handshake', error.data) : error)),
      )
      socket.once('disconnect', (reason) => settle(() => reject(new Error(`disconnected: ${reason}`))))
    })
  } catch (error) {
    socket.close()
    throw error
  }
  const userId: string = ready.userId

  const inLog = (log: { roomId: string } | { userId: string }, { event, payload }: Received) => {
    if (typeof payload?.rev !== 'number' || payload.prevRev === undefined) return false
    if ('roomId' in log) return event.startsWith('room:') && (payload.chatRoomId ?? payload.roomId) === log.roomId
    return event.startsWith('dm:') && [payload.senderId, payload.receiverId].includes(log.userId)
  }

  const self: TestSocket = {
    socket,
    userId,
    ready,
    received,
    closedBy: () => closedBy,
    async emit(event, payload) {
      const ack: any = await socket.timeout(ackMs).emitWithAck(event, payload)
      if (ack.ok) return ack.data
      throw new AckError(event, ack.error)
    },
    async codeOf(event, payload) {
      try {
        await self.emit(event, payload)
        return 'ok'
      } catch (error) {
        if (error instanceof AckError) return error.code
        throw error
      }
    },
    of: (event, where = () => true) =>
      received.filter((each) => each.event === event && where(each.payload)).map((each) => each.payload),
    next: (event, where, ms) => until(() => self.of(event, where)[0], ms, `${event} for ${userId} ${where ?? ''}`),
    changes: (log) => received.filter((each) => inLog(log, each)),
    async reach(log, rev, ms) {
      await until(() => self.changes(log).some(({ payload }) => payload.rev >= rev), ms, `rev ${rev} for ${userId}`)
    },
    close: () => void socket.close(),
  }
  return self
}
