import { ChatRoom, type ChatRoomDoc, type ChatRoomWire, type RoomRole } from '../../../models/ChatRoom.ts'
import type { LiveView, LogRecord } from '../../log/types.ts'

/** A room as this instance holds it open: what folding its log's entries makes. */
export interface RoomState {
  /** Null where there is no such room. */
  room: ChatRoomDoc | null
  members: Map<string, RoomRole>
}

export type RoomLive = LiveView<RoomState>

/** Events of a room's log that are not messages. */
export type RoomEntry =
  | {
      event: 'room:member'
      body: {
        userId: string
        change: 'joined' | 'left' | 'removed' | 'role'
        role?: RoomRole
        initial?: Record<string, RoomRole>
      }
    }
  | {
      event: 'room:updated'
      body: {
        name: string
        topic: string
        visibility: 'public' | 'private'
        slowModeSeconds: number
        updatedAt: string
      }
    }

/** Folds an entry that is not a message into the state; folding it twice is harmless. */
export function foldRoom(state: RoomState, record: LogRecord): void {
  const entry = record as unknown as RoomEntry
  if (record.event === 'room:member' && entry.event === 'room:member') {
    const { userId, change, role, initial } = entry.body
    if (change === 'left' || change === 'removed') {
      state.members.delete(userId)
    } else state.members.set(userId, role ?? 'member')
    for (const [id, initialRole] of Object.entries(initial ?? {})) state.members.set(id, initialRole)
  } else if (record.event === 'room:updated' && entry.event === 'room:updated' && state.room) {
    const { updatedAt, ...fields } = entry.body
    state.room = { ...state.room, ...fields, updatedAt: new Date(updatedAt) }
  }
}

/** How many members a ChatRoom names; `memberCount` counts all. */
const maxNamed = 1_000

/** The room as clients get it, in step with the log's position. */
export function presentRoom(live: RoomLive): ChatRoomWire {
  const { room, members } = live.state
  const named = [...members].slice(0, maxNamed)
  return ChatRoom.toWire({
    ...room!,
    memberIds: named.map(([userId]) => userId),
    members: named.map(([userId, role]) => ({ userId, role })),
    memberCount: members.size,
    rev: live.rev,
    seq: live.seq,
  })
}
