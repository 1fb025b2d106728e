import type { Actor } from '../../kernel/actor.ts'
import { channels } from '../../kernel/channels.ts'
import { forbidden } from '../../kernel/errors.ts'
import type { Emitter } from '../../kernel/ports.ts'
import type { Marks } from '../marks.ts'
import type { Typing } from '../typing.ts'
import type { Rooms } from './rooms.ts'

/** What members tell a room beside messages: how far they have read, and that they are typing. */
export function createRoomSignals(deps: {
  rooms: Rooms
  marks: Marks
  typing: Typing
  emitter: Emitter
  /** Told how far a user has read a room; for notifications. */
  onRead(logId: string, userId: string, readSeq: number, isAll: boolean): void
}) {
  const { rooms, marks, typing, emitter, onRead } = deps

  return {
    /** Moves the actor's reading mark on, never back and never past the last message. */
    read: (actor: Actor, roomId: string, seq: number): Promise<{ readSeq: number; unread: number }> =>
      rooms.withRoom(actor, roomId, async (live, role) => {
        if (!role) throw forbidden('Join the room first')
        const wanted = Math.min(seq, live.seq)
        const readSeq = await marks.move({ logId: roomId, userId: actor.userId, seq: wanted })
        onRead(roomId, actor.userId, readSeq, readSeq >= live.seq)
        const unread = (await marks.unread(actor.userId, [{ logId: roomId, readSeq, seq: live.seq }])).get(roomId)!
        if (readSeq === wanted && wanted > 0) {
          emitter.emit(channels.log(roomId), 'room:read', { roomId, userId: actor.userId, seq: readSeq })
        }
        return { readSeq, unread }
      }),

    typing: (actor: Actor, roomId: string, on: boolean): Promise<null> =>
      rooms.withRoom(actor, roomId, (_live, role) => {
        if (!role) throw forbidden('Join the room first')
        typing.set(`${actor.userId} ${roomId}`, on, [channels.log(roomId)], 'room:typing', (state) => ({
          roomId,
          userId: actor.userId,
          on: state,
        }))
        return null
      }),
  }
}

export type RoomSignals = ReturnType<typeof createRoomSignals>
