import { ChatRoom, type ChatRoomWire } from '../../../models/ChatRoom.ts'
import { Membership } from '../../../models/Membership.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { decodeCursor, type Page, type PageRequest, pageOf } from '../../kernel/page.ts'
import type { Log } from '../../log/log.ts'
import { roomPolicy } from '../../policies/rooms.ts'
import { presentRoom, type RoomLive } from '../shared/room-state.ts'

/** Lists of rooms, and of who is in one. */
export function createRoomLists(deps: {
  database: Database
  log: Log
  /** Runs with the room open. Throws `not_found` for a room that the actor may not see. */
  withRoom<T>(actor: Actor, roomId: string, work: () => T | Promise<T>): Promise<T>
}) {
  const { log, withRoom } = deps
  const rooms = deps.database.collection(ChatRoom)
  const memberships = deps.database.collection(Membership)

  return {
    /** A page of the members, by user id, as far as the actor may see the room. */
    members: (actor: Actor, roomId: string, { limit, cursor }: PageRequest) =>
      withRoom(actor, roomId, async () => {
        const [after] = decodeCursor(cursor, ['string']) ?? []
        const found = await memberships
          .find(
            { logId: roomId, active: true, ...(after !== undefined && { userId: { $gt: after } }) },
            { projection: { _id: 0, userId: 1, role: 1, joinedAt: 1 } },
          )
          .sort({ userId: 1 })
          .limit(limit + 1)
          .toArray()
        return pageOf(
          found,
          limit,
          ({ userId }) => [userId],
          ({ userId, role, joinedAt }) => ({ userId, role, joinedAt: joinedAt.toISOString() }),
        )
      }),

    /** A page of the actor's own rooms, or of the public ones that `q` finds, newest first. */
    async list(
      actor: Actor,
      { visibility, q }: { visibility?: 'public'; q?: string },
      { limit, cursor }: PageRequest,
    ): Promise<Page<ChatRoomWire>> {
      const [before] = decodeCursor(cursor, ['string']) ?? []
      const ids = await (visibility === 'public'
        ? this.listPublic(q, before, limit)
        : this.listOwn(actor.userId, before, limit))
      const { items, nextCursor } = pageOf(
        ids,
        limit,
        (id) => [id],
        (id) => id,
      )
      return { items: await this.present(actor, items), nextCursor }
    },

    /** Public rooms, newest first, or those that the words of `q` find; `before` is the id to go on from. */
    async listPublic(q: string | undefined, before: string | undefined, limit: number) {
      const filter: Record<string, unknown> = { visibility: 'public' }
      if (q) filter['$text'] = { $search: q }
      if (before) filter['_id'] = { $lt: before }
      const found = await rooms
        .find(filter as never, { projection: { _id: 1 } })
        .sort({ _id: -1 })
        .limit(limit + 1)
        .toArray()
      return found.map((room) => room._id)
    },

    /** Rooms as an actor may see them, in the order given; those that are gone are left out. */
    async present(actor: Actor, roomIds: string[]): Promise<ChatRoomWire[]> {
      const lives = (await log.acquire(roomIds)) as RoomLive[]
      try {
        return lives
          .filter(({ state }) => state.room && roomPolicy.see(state.members.get(actor.userId), state.room.visibility))
          .map(presentRoom)
      } finally {
        for (const live of lives) log.release(live)
      }
    },

    /** Ids of the user's own rooms, newest first. */
    async listOwn(userId: string, before: string | undefined, limit: number) {
      const filter: Record<string, unknown> = { userId, active: true, kind: 'room' }
      if (before) filter['logId'] = { $lt: before }
      const found = await memberships
        .find(filter as never, { projection: { logId: 1 } })
        .sort({ logId: -1 })
        .limit(limit + 1)
        .toArray()
      return found.map((membership) => membership.logId)
    },
  }
}
