import { hasScope } from '../kernel/actor.ts'
import { channels } from '../kernel/channels.ts'
import type { Audience } from '../kernel/ports.ts'
import type { Log } from '../log/log.ts'
import type { LiveView } from '../log/types.ts'
import type { Marks } from '../services/marks.ts'
import type { Memberships } from '../services/memberships.ts'
import { conversationSides, isConversation } from '../services/shared/conversation.ts'
import type { RoomLive } from '../services/shared/room-state.ts'
import type { LiveSocket } from './audience.ts'

export interface WelcomeDeps {
  log: Log
  marks: Marks
  memberships: Memberships
  welcoming: Map<string, Set<LiveSocket>>
  audience: Audience
  unreadNotifications(userId: string): Promise<number>
}

/**
 * Brings a new socket to where its user is: opens the logs, joins the socket to them, and tells it with `ready` from
 * which rev on it will hear of each. Between the last look at the positions and `ready` nothing is awaited, so that
 * no change falls between the two.
 */
export async function welcome(socket: LiveSocket, deps: WelcomeDeps): Promise<void> {
  const { log, marks, memberships, welcoming } = deps
  const { actor } = socket.data
  const { userId } = actor
  const seesRooms = hasScope(actor, 'rooms:read')
  const seesDirect = hasScope(actor, 'dms:read')
  const waiting = welcoming.get(userId) ?? new Set()
  welcoming.set(userId, waiting)
  waiting.add(socket)
  socket.data.late = new Set()
  const held = new Map<string, LiveView>()
  const hold = async (logIds: string[]) => {
    const lives = await log.acquire(logIds)
    lives.forEach((live) => {
      if (held.has(live.logId)) log.release(live)
      else held.set(live.logId, live)
    })
  }
  try {
    const [places, unreadNotifications] = await Promise.all([
      memberships.of(userId, [...(seesRooms ? (['room'] as const) : []), ...(seesDirect ? (['direct'] as const) : [])]),
      actor.bot ? 0 : deps.unreadNotifications(userId),
    ])
    const known = new Map(places.map((place) => [place.logId, place]))
    await hold([...known.keys()])
    const counted = places.map(({ logId, readSeq }) => ({ logId, readSeq, seq: held.get(logId)!.seq }))
    const unread = await marks.unread(userId, counted)
    const countedTo = new Map(counted.map(({ logId, seq }) => [logId, seq]))
    const positionOf = (live: LiveView) => ({
      rev: live.rev,
      seq: live.seq,
      readSeq: known.get(live.logId)?.readSeq ?? 0,
      // What came while we looked is not told live, and counts.
      unread: (unread.get(live.logId) ?? 0) + live.seq - (countedTo.get(live.logId) ?? 0),
    })
    // Logs that the user came into while we looked; each look can bring more, but not for ever.
    for (let round = 0; socket.data.late.size > 0 && round < 10; round++) {
      const late = [...socket.data.late]
      socket.data.late.clear()
      await hold(late)
    }
    if (!socket.connected) return

    const joined: string[] = []
    if (seesRooms) joined.push(channels.rooms(userId))
    if (seesDirect) joined.push(channels.dms(userId))
    if (hasScope(actor, 'boards:read')) joined.push(channels.boards(userId))
    if (!actor.bot) joined.push(channels.news(userId))
    else if (hasScope(actor, 'analysis:write') && hasScope(actor, 'audio:read')) joined.push(channels.analysts)
    const rooms: object[] = []
    const conversations: object[] = []
    for (const [logId, live] of held) {
      if (isConversation(logId)) {
        if (!seesDirect) continue
        const peerId = conversationSides(logId).find((side) => side !== userId)!
        conversations.push({ userId: peerId, ...positionOf(live) })
      } else {
        const { state } = live as RoomLive
        if (!seesRooms || !state.room || !state.members.has(userId)) continue
        rooms.push({ id: logId, name: state.room.name, ...positionOf(live) })
        joined.push(channels.log(logId))
      }
      socket.data.logs.set(logId, live)
    }
    for (const logId of socket.data.logs.keys()) held.delete(logId)
    void socket.join(joined)
    socket.emit('ready', {
      userId,
      sessionId: actor.sessionId,
      serverTime: new Date().toISOString(),
      rooms,
      conversations,
      unreadNotifications,
    })
  } finally {
    for (const live of held.values()) log.release(live)
    socket.data.late = null
    waiting.delete(socket)
    if (waiting.size === 0 && welcoming.get(userId) === waiting) welcoming.delete(userId)
  }
}
