import type { Server, Socket } from 'socket.io'
import type { Actor } from '../kernel/actor.ts'
import { channels } from '../kernel/channels.ts'
import type { Audience } from '../kernel/ports.ts'

/** The part of the log that letting sockets in and out needs. */
export interface Holds {
  retain(live: object): void
  release(live: object): void
}

/** What this instance keeps about a socket. */
export interface SocketData {
  actor: Actor
  /** The logs that this socket receives, held open for it. */
  logs: Map<string, object>
  /** Until it has been welcomed: logs that its user came into meanwhile. */
  late: Set<string> | null
  inFlight: number
  /** What handlers see of the socket; made at its first event. */
  handle?: import('../kernel/event.ts').SocketHandle
}

export type LiveSocket = Socket<any, any, any, SocketData>

/** A socket as far as it is told what rooms listen to. */
export const listenerOf = (socket: LiveSocket) => ({
  get connected() {
    return socket.connected
  },
  isIn: (roomId: string) => socket.data.logs.has(roomId),
  emit: (event: string, payload: object) => void socket.emit(event, payload),
})

/** Lets sockets in and out of logs, each held open as long as a socket here receives it. */
export function createAudience(
  io: Server,
  holds: () => Holds,
  /** Told of each socket that was let into a room. */
  onAttached: (socket: LiveSocket, logId: string) => void,
): Audience & { welcoming: Map<string, Set<LiveSocket>> } {
  const namespace = io.of('/')
  /** Sockets that are connected but do not receive anything yet, by user. */
  const welcoming = new Map<string, Set<LiveSocket>>()

  function* socketsIn(room: string): Generator<LiveSocket> {
    for (const id of [...(namespace.adapter.rooms.get(room) ?? [])]) {
      const socket = namespace.sockets.get(id) as LiveSocket | undefined
      if (socket) yield socket
    }
  }

  return {
    welcoming,
    attach(userId, live, event, payload) {
      for (const socket of welcoming.get(userId) ?? []) socket.data.late?.add(live.logId)
      let told: object | null = null
      for (const socket of socketsIn(channels.rooms(userId))) {
        if (socket.data.logs.has(live.logId)) continue
        holds().retain(live)
        socket.data.logs.set(live.logId, live)
        void socket.join(channels.log(live.logId))
        told ??= payload()
        socket.emit(event, told)
        onAttached(socket, live.logId)
      }
    },
    keep(userId, live) {
      for (const socket of welcoming.get(userId) ?? []) socket.data.late?.add(live.logId)
      for (const socket of socketsIn(channels.dms(userId))) {
        if (socket.data.logs.has(live.logId)) continue
        holds().retain(live)
        socket.data.logs.set(live.logId, live)
      }
    },
    detach(userId, logId, event, payload) {
      for (const socket of welcoming.get(userId) ?? []) socket.data.late?.delete(logId)
      let told: object | null = null
      for (const socket of socketsIn(channels.rooms(userId))) {
        const live = socket.data.logs.get(logId)
        if (!live) continue
        socket.data.logs.delete(logId)
        void socket.leave(channels.log(logId))
        holds().release(live)
        told ??= payload()
        socket.emit(event, told)
      }
    },
    present(userIds) {
      const here: string[] = []
      for (const userId of userIds) {
        // A bot may be in only one of them.
        const isIn = [channels.rooms(userId), channels.dms(userId)].some((room) => namespace.adapter.rooms.has(room))
        if (isIn || welcoming.has(userId)) here.push(userId)
      }
      return here
    },
  }
}
