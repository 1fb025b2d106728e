import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server, type Socket } from 'socket.io'

interface Entry {
  event: string
  payload: Record<string, any>
}

/** What goes wrong next: each number is how many times. */
export interface Faults {
  /** The connection breaks when a send arrives, before it is stored. */
  dropBeforeStoring: number
  /** … after it is stored, before the ack. */
  dropAfterStoring: number
  /** The ack of a send never comes. */
  loseAck: number
  /** A live change is taken for given but does not arrive. */
  loseLive: number
  /** A live change arrives twice. */
  doubleLive: number
  /** Sends answered with this error. */
  sendErrors: { code: string; message: string; details?: unknown; retryAfterMs?: number }[]
  /** `log:sync` is answered with `unavailable`. */
  failSync: number
  /** Milliseconds that an answer to `log:sync` takes. */
  syncDelayMs: number
}

/**
 * A Socket.IO server on a port of its own that keeps logs in memory as the contract says and misbehaves to order:
 * the faults that the real server and network show only now and then.
 */
export async function startScriptedServer() {
  const faults: Faults = {
    dropBeforeStoring: 0,
    dropAfterStoring: 0,
    loseAck: 0,
    loseLive: 0,
    doubleLive: 0,
    sendErrors: [],
    failSync: 0,
    syncDelayMs: 0,
  }
  const logs = new Map<string, Entry[]>()
  const members = new Map<string, Set<string>>()
  const tokens = new Map<string, string>()
  const handshakes: string[] = []
  const syncs: unknown[] = []
  const sends: { clientId: string; content: string }[] = []
  const given = new Map<Socket, Map<string, number>>()
  let rest: (request: IncomingMessage, response: ServerResponse) => void = (_, response) =>
    response.writeHead(404).end()
  let mute = false
  const pageLimit = { value: 200 }

  const http = createServer((request, response) => {
    if (!request.url?.startsWith('/socket.io/')) rest(request, response)
  })
  const io = new Server(http, { serveClient: false })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`

  const roomsOf = (userId: string) => [...members].filter(([, ids]) => ids.has(userId)).map(([id]) => id)
  const head = (roomId: string) => logs.get(roomId)?.at(-1)?.payload.rev ?? 0
  const seqHead = (roomId: string) => Math.max(0, ...(logs.get(roomId) ?? []).map((entry) => entry.payload.seq ?? 0))

  io.use((socket, next) => {
    const token = String(socket.handshake.auth.token)
    handshakes.push(token)
    const userId = tokens.get(token)
    if (userId) {
      socket.data.userId = userId
      return next()
    }
    next(Object.assign(new Error('refused'), { data: { code: 'unauthenticated', message: 'bad token' } }))
  })

  io.on('connection', (socket) => {
    const userId: string = socket.data.userId
    const mine = new Map<string, number>()
    given.set(socket, mine)
    socket.on('disconnect', () => given.delete(socket))
    if (mute) return
    const rooms = roomsOf(userId).map((id) => ({
      id,
      name: id,
      rev: head(id),
      seq: seqHead(id),
      readSeq: 0,
      unread: 0,
    }))
    for (const room of rooms) mine.set(room.id, room.rev)
    const serverTime = new Date().toISOString()
    socket.emit('ready', { userId, sessionId: 's', serverTime, rooms, conversations: [], unreadNotifications: 0 })

    socket.on('log:sync', async (payload, ack) => {
      syncs.push(payload)
      if (faults.syncDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, faults.syncDelayMs))
      if (take('failSync')) return ack(failure('unavailable'))
      const limit = Math.min(payload.limit ?? 200, pageLimit.value)
      ack({ ok: true, data: { logs: payload.logs.map((log: any) => readLog(userId, log.roomId, log.rev, limit)) } })
    })

    socket.on('room:send', (payload, ack) => {
      if (take('dropBeforeStoring')) return breakOff(socket)
      const error = faults.sendErrors.shift()
      if (error) return ack({ ok: false, error })
      sends.push({ clientId: payload.clientId, content: payload.content })
      const log = logs.get(payload.roomId)
      if (!log || !members.get(payload.roomId)?.has(userId)) return ack(failure('not_found'))
      const stored =
        log.find((e) => e.payload.clientId === payload.clientId && e.payload.senderId === userId) ??
        post(payload.roomId, userId, payload.content, payload.clientId)
      if (take('dropAfterStoring')) return breakOff(socket)
      if (take('loseAck')) return
      ack({ ok: true, data: stored.payload })
    })

    socket.on('room:history', (_payload, ack) => ack(failure('forbidden', { why: 'scripted' })))
    socket.on('room:search', () => {})
    socket.on('room:pin', () => breakOff(socket))
  })

  /** Cuts the transport without a goodbye. */
  function breakOff(socket: Socket): void {
    ;(socket.conn as any).transport.socket?.terminate?.() ?? socket.conn.close()
  }

  function take(name: 'dropBeforeStoring' | 'dropAfterStoring' | 'loseAck' | 'loseLive' | 'doubleLive' | 'failSync') {
    if (faults[name] <= 0) return false
    faults[name] -= 1
    return true
  }

  function failure(code: string, details?: unknown) {
    return { ok: false, error: { code, message: `scripted ${code}`, details } }
  }

  /** Changes after `rev`, each message once, in its latest state. */
  function readLog(userId: string, roomId: string, rev: number, limit: number) {
    if (!members.get(roomId)?.has(userId)) return { roomId, error: { code: 'not_found' } }
    const entries = logs.get(roomId)!
    const latest = new Map(entries.map((entry) => [entry.payload.id ?? entry.payload.rev, entry]))
    const after = [...latest.values()].filter((e) => e.payload.rev > rev).sort((a, b) => a.payload.rev - b.payload.rev)
    const changes = after.slice(0, limit)
    const more = after.length > limit
    return { roomId, changes, rev: more ? changes.at(-1)!.payload.rev : head(roomId), more }
  }

  function append(roomId: string, event: string, fields: Record<string, any>): Entry {
    const entry = structuredClone({ event, payload: { ...fields, rev: head(roomId) + 1 } })
    logs.get(roomId)!.push(entry)
    for (const [socket, mine] of given) {
      if (!mine.has(roomId)) continue
      const prevRev = mine.get(roomId)!
      mine.set(roomId, entry.payload.rev)
      if (take('loseLive')) continue
      socket.emit(event, { ...entry.payload, prevRev })
      if (take('doubleLive')) socket.emit(event, { ...entry.payload, prevRev })
    }
    return entry
  }

  function post(roomId: string, senderId: string, content: string, clientId = `c${Math.random()}`): Entry {
    const seq = seqHead(roomId) + 1
    const sentAt = new Date().toISOString()
    const message = {
      id: `${roomId}-m${seq}`,
      chatRoomId: roomId,
      senderId,
      type: 'text',
      content,
      clientId,
      seq,
      sentAt,
    }
    return append(roomId, 'room:message', { ...message, mentions: [], deletedAt: null })
  }

  return {
    url,
    faults,
    tokens,
    handshakes,
    syncs,
    sends,
    pageLimit,
    /** What is stored, oldest first. */
    log: (roomId: string) => logs.get(roomId)!,
    addUser(userId: string, token = `token-${userId}`) {
      tokens.set(token, userId)
      return token
    },
    addRoom(roomId: string, ...userIds: string[]) {
      logs.set(roomId, [])
      members.set(roomId, new Set(userIds))
    },
    post,
    change(roomId: string, seq: number, event: string, fields: Record<string, any>) {
      const entry = logs.get(roomId)!.findLast((e) => e.payload.seq === seq)!
      return append(roomId, event, { ...entry.payload, ...fields })
    },
    join(roomId: string, userId: string) {
      members.get(roomId)!.add(userId)
      for (const [socket, mine] of given) {
        if (socket.data.userId !== userId) continue
        mine.set(roomId, head(roomId))
        socket.emit('room:joined', { id: roomId, name: roomId, rev: head(roomId), seq: seqHead(roomId) })
      }
    },
    leave(roomId: string, userId: string, { silent = false } = {}) {
      members.get(roomId)!.delete(userId)
      for (const [socket, mine] of given) {
        if (socket.data.userId !== userId || !mine.delete(roomId) || silent) continue
        socket.emit('room:left', { roomId })
      }
    },
    emit: (event: string, payload: unknown) => io.emit(event, payload),
    /** Cuts all connections. */
    breakAll() {
      for (const socket of given.keys()) breakOff(socket)
    },
    connections: () => given.size,
    /** Accepts connections but never says `ready`. */
    mute(on: boolean) {
      mute = on
    },
    onRest(handler: typeof rest) {
      rest = handler
    },
    close: () => io.close(),
  }
}

export type ScriptedServer = Awaited<ReturnType<typeof startScriptedServer>>
