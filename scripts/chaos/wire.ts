import { type Body, dmLog, type LogId, roomLog } from './history.ts'

/** Events of rooms and conversations that are no changes of a log. */
const NOT_CHANGES = new Set(['room:joined', 'room:left', 'room:read', 'room:typing', 'dm:read', 'dm:typing'])

const interned = new Map<string, Body>()
/** Equal bodies become one object: thirty clients see each change. */
const MAX_INTERNED = 500_000

function intern(body: Body): Body {
  const key = JSON.stringify(body)
  const known = interned.get(key)
  if (known) return known
  if (interned.size < MAX_INTERNED) interned.set(key, body)
  return body
}

/** Reads a live event or a change of `log:sync`; null where it is no change of a log. */
export function readChange(
  event: string,
  payload: any,
): { log: LogId; rev: number; prevRev: number | null; body: Body } | null {
  if (NOT_CHANGES.has(event) || typeof payload?.rev !== 'number') return null
  const prevRev = typeof payload.prevRev === 'number' ? payload.prevRev : null
  const body = readBody(payload)
  if (event.startsWith('dm:')) {
    if (body.kind !== 'message' || typeof payload.receiverId !== 'string') return null
    return { log: dmLog(payload.senderId, payload.receiverId), rev: payload.rev, prevRev, body }
  }
  if (!event.startsWith('room:')) return null
  const roomId = payload.chatRoomId ?? payload.roomId ?? payload.id
  return typeof roomId === 'string' ? { log: roomLog(roomId), rev: payload.rev, prevRev, body } : null
}

/** What a change says, of a message, a membership or a room. */
export function readBody(payload: any): Body {
  if (typeof payload.senderId === 'string') {
    return intern({
      kind: 'message',
      id: payload.id,
      senderId: payload.senderId,
      clientId: payload.clientId,
      content: payload.content,
      seq: payload.seq,
      system: payload.type === 'system',
      deleted: Boolean(payload.deletedAt),
      pinned: Boolean(payload.pinned),
      reactions: (Array.isArray(payload.reactions) ? payload.reactions : [])
        .flatMap((r: any) => (r.userIds ?? []).map((userId: string) => `${r.emoji}/${userId}`))
        .sort(),
    })
  }
  if (typeof payload.userId === 'string' && typeof payload.change === 'string')
    return intern({ kind: 'member', id: payload.userId, change: payload.change })
  return intern({ kind: 'room', id: payload.roomId ?? payload.id ?? '' })
}

/** The room that a `room:joined` or `room:left` speaks of. */
export function readRoom(payload: any): { roomId: string | null; rev: number | null } {
  const roomId = payload?.roomId ?? payload?.room?.id ?? payload?.id
  const rev = payload?.rev ?? payload?.room?.rev
  return { roomId: typeof roomId === 'string' ? roomId : null, rev: typeof rev === 'number' ? rev : null }
}
