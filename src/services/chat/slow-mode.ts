import { Membership } from '../../../models/Membership.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/ports.ts'
import { roomPolicy } from '../../policies/rooms.ts'
import { logRecords } from '../shared/records.ts'
import type { RoomLive } from '../shared/room-state.ts'

const nothing = async () => {}

/** Holds members who do not lead a room to one message in `slowModeSeconds`, over all instances. */
export function createSlowMode({ database, logger }: { database: Database; logger: Logger }) {
  const entries = logRecords(database)
  const memberships = database.collection(Membership)

  return {
    /**
     * Takes the actor's turn to send; resolves with what gives it back where nothing is sent after all. A repeat takes
     * none. Throws `rate_limited` with the time to wait.
     */
    async takeTurn(actor: Actor, live: RoomLive, clientId: string): Promise<() => Promise<void>> {
      const { room, members } = live.state
      const pauseMs = room!.slowModeSeconds * 1_000
      if (pauseMs === 0 || roomPolicy.skipsSlowMode(members.get(actor.userId))) return nothing
      const own = { logId: live.logId, senderId: actor.userId }
      const [repeat, last] = await Promise.all([
        entries.findOne({ ...own, clientId }, { projection: { _id: 1 } }),
        entries
          .find({ ...own, seq: { $exists: true } }, { projection: { at: 1 } })
          .sort({ seq: -1 })
          .limit(1)
          .next(),
      ])
      if (repeat) return nothing
      if (last && last.at.getTime() + pauseMs > Date.now()) throw refuse(last.at.getTime(), pauseMs)
      // What is on its way, from whichever instance, counts too: only one can take the turn.
      const place = { logId: live.logId, userId: actor.userId }
      const isFree = { $lte: [{ $ifNull: ['$sentAt', new Date(0)] }, { $subtract: ['$$NOW', pauseMs] }] }
      const taken = await memberships.findOneAndUpdate(
        { ...place, active: true, $expr: isFree },
        [{ $set: { sentAt: '$$NOW' } }],
        { returnDocument: 'after', projection: { sentAt: 1 } },
      )
      if (!taken) {
        const membership = await memberships.findOne(place, { projection: { sentAt: 1 } })
        throw refuse(membership?.sentAt?.getTime() ?? Date.now(), pauseMs)
      }
      return async () => {
        try {
          await memberships.updateOne({ ...place, sentAt: taken.sentAt }, { $unset: { sentAt: 1 } })
        } catch (error) {
          logger.warn({ err: error, ...place }, 'a turn in slow mode could not be given back')
        }
      }
    },
  }
}

/** Clocks differ a little: the time to wait is never more than the pause. */
function refuse(lastAt: number, pauseMs: number) {
  const waitMs = Math.min(Math.max(1, lastAt + pauseMs - Date.now()), pauseMs)
  return new AppError('rate_limited', `Slow mode: wait ${Math.ceil(waitMs / 1_000)} s`, { retryAfterMs: waitMs })
}

export type SlowMode = ReturnType<typeof createSlowMode>
