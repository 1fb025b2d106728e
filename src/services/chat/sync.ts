import { type Actor, hasScope } from '../../kernel/actor.ts'
import type { ErrorCode } from '../../kernel/errors.ts'
import type { Log, SyncAnswer } from '../../log/log.ts'
import { conversationId } from '../shared/conversation.ts'
import type { RoomLive } from '../shared/room-state.ts'

export type LogName = { roomId: string } | { userId: string }
export type LogAnswer = LogName & (SyncAnswer | { error: { code: ErrorCode } })

/** Brings a client up to date with the logs it names, as far as it may see them. */
export function createSyncing({ log }: { log: Log }) {
  return {
    async sync(
      actor: Actor,
      asked: { roomId?: string; userId?: string; rev: number }[],
      limit: number,
    ): Promise<LogAnswer[]> {
      const seesRooms = hasScope(actor, 'rooms:read')
      const seesDirect = hasScope(actor, 'dms:read')
      const answers = new Map<number, LogAnswer>()
      const wanted: { index: number; logId: string; name: LogName; rev: number }[] = []
      asked.forEach(({ roomId, userId, rev }, index) => {
        const name: LogName = roomId !== undefined ? { roomId } : { userId: userId! }
        const allowed = roomId !== undefined ? seesRooms : seesDirect
        if (!allowed) answers.set(index, { ...name, error: { code: 'forbidden' } })
        else if (userId === actor.userId) answers.set(index, { ...name, error: { code: 'not_found' } })
        else wanted.push({ index, logId: roomId ?? conversationId(actor.userId, userId!), name, rev })
      })
      const lives = await log.acquire(wanted.map((each) => each.logId))
      try {
        const visible = wanted.filter(({ index, name }, place) => {
          const sees = 'roomId' in name ? (lives[place] as RoomLive).state.members.has(actor.userId) : true
          if (!sees) answers.set(index, { ...name, error: { code: 'not_found' } })
          return sees
        })
        const synced = await log.sync(visible, limit)
        visible.forEach(({ index, name, logId }, place) => {
          // Whoever was removed while we read may not have what came after.
          const removed = 'roomId' in name && !(log.get(logId) as RoomLive | undefined)?.state.members.has(actor.userId)
          answers.set(index, removed ? { ...name, error: { code: 'not_found' } } : { ...name, ...synced[place]! })
        })
      } finally {
        for (const live of lives) log.release(live)
      }
      return asked.map((_, index) => answers.get(index)!)
    },
  }
}

export type Syncing = ReturnType<typeof createSyncing>
