import { ChatMessage, type ChatMessageWire } from '../../../models/ChatMessage.ts'
import { ChatRoom, type RoomRole } from '../../../models/ChatRoom.ts'
import { Membership } from '../../../models/Membership.ts'
import type { Database } from '../../infra/mongo.ts'
import { channels } from '../../kernel/channels.ts'
import type { Audience, Emitter } from '../../kernel/ports.ts'
import type { LogKind, LogRecord } from '../../log/types.ts'
import type { Marks } from '../marks.ts'
import { foldRoom, presentRoom, type RoomLive, type RoomState } from '../shared/room-state.ts'

export interface Seen {
  seenBy: string[]
  seenCount: number
}

/** What a fresh message was presented as: its sender's ack says the same as the event. */
const presented = Symbol('presented')

/** A room's message as clients get it. */
export function presentMessage(record: LogRecord, seen?: Seen): ChatMessageWire {
  const kept = record as { [presented]?: ChatMessageWire }
  if (!seen && kept[presented]) return kept[presented]
  const message = ChatMessage.toWire(record)
  message.seenBy = seen?.seenBy ?? []
  message.seenCount = seen?.seenCount ?? 0
  if (!seen) kept[presented] = message
  return message
}

/** What a room's log does with its entries. */
export function createRoomKind(deps: {
  database: Database
  marks: Marks
  emitter: Emitter
  audience: Audience
}): LogKind<RoomState> {
  const { database, marks, emitter, audience } = deps
  const rooms = database.collection(ChatRoom)
  const memberships = database.collection(Membership)

  return {
    async open(logIds) {
      const states = new Map<string, RoomState>(logIds.map((logId) => [logId, { room: null, members: new Map() }]))
      const [found, members] = await Promise.all([
        rooms.find({ _id: { $in: logIds } }).toArray(),
        memberships
          .find({ logId: { $in: logIds }, active: true }, { projection: { _id: 0, logId: 1, userId: 1, role: 1 } })
          .sort({ logId: 1, joinedAt: 1 })
          .toArray(),
      ])
      for (const room of found) states.get(room._id)!.room = room
      for (const { logId, userId, role } of members) states.get(logId)!.members.set(userId, role as RoomRole)
      return states
    },
    apply: foldRoom,
    async prepare(records) {
      const messages = records.filter((record) => record.kind === ChatMessage.spec.kind)
      if (messages.length === 0) return records.map(() => undefined)
      const seen = await marks.seen(
        messages[0]!.logId,
        messages.map((record) => ({ seq: record.seq!, senderId: record.senderId })),
      )
      const byId = new Map(messages.map((record, index) => [record._id, seen[index]]))
      return records.map((record) => byId.get(record._id))
    },
    render(record, since, context) {
      if (record.kind === ChatMessage.spec.kind) {
        const event = record.firstRev > since ? 'room:message' : record.event
        return { event, payload: presentMessage(record, context as Seen | undefined) }
      }
      const { initial: _initial, ...body } = record['body'] as Record<string, unknown>
      return { event: record.event, payload: { roomId: record.logId, rev: record.rev, by: record.senderId, ...body } }
    },
    deliver(logId, packet) {
      emitter.emitEncoded(channels.log(logId), packet)
    },
    settle(view, record) {
      const live = view as RoomLive
      if (record.event !== 'room:member') return
      const { userId, change, initial } = record['body'] as {
        userId: string
        change: string
        initial?: Record<string, RoomRole>
      }
      if (change === 'joined') {
        for (const id of [userId, ...Object.keys(initial ?? {})])
          audience.attach(id, live, 'room:joined', () => presentRoom(live))
      } else if (change === 'left' || change === 'removed') {
        audience.detach(userId, live.logId, 'room:left', () => ({ roomId: live.logId, rev: record.rev, change }))
      }
    },
    isControl: (record) => record.kind !== ChatMessage.spec.kind,
    // Rooms with sockets here are open here; new memberships are told apart from the log.
    wanted: () => false,
  }
}
