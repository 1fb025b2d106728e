import { type LogKey, refOf } from '../../../client/changes.ts'
import type { Anchor, ChatMessage, Message } from '../../../client/protocol.ts'

/** A message of a room or a conversation, as the list shows it. */
export interface Entry {
  id: string
  seq: number
  rev: number
  senderId: string
  content: string
  type: ChatMessage['type']
  sentAt: string
  isEdited: boolean
  isDeleted: boolean
  isPinned: boolean
  replyToId: string | null
  clientId: string | undefined
  reactions: ChatMessage['reactions']
  mentions: string[]
  attachments: ChatMessage['attachments']
  anchor: Anchor | null
  seenBy: string[]
  readAt: string | null
}

/** Reads a message of either kind. */
export function toEntry(message: ChatMessage | Message): Entry {
  const room = 'chatRoomId' in message ? message : null
  const direct = room ? null : (message as Message)
  return {
    id: message.id,
    seq: message.seq,
    rev: message.rev,
    senderId: message.senderId,
    content: message.content,
    type: room?.type ?? 'text',
    sentAt: message.sentAt,
    isEdited: Boolean(message.updatedAt) && !message.deletedAt,
    isDeleted: Boolean(message.deletedAt),
    isPinned: room?.pinned ?? false,
    replyToId: room?.replyToId ?? null,
    clientId: message.clientId,
    reactions: message.reactions ?? [],
    mentions: room?.mentions ?? [],
    attachments: room?.attachments ?? [],
    anchor: room?.anchor ?? null,
    seenBy: room?.seenBy ?? [],
    readAt: direct?.readAt ?? null,
  }
}

/** The page of a log, at a message where one is given. */
export function pathOf(log: LogKey, seq?: number): string {
  const { roomId, userId } = refOf(log)
  const place = roomId ? `/rooms/${roomId}` : `/messages/${userId}`
  return seq === undefined ? place : `${place}/${seq}`
}

/** A span without words: for joining in one row what one person said in a row. */
export const togetherMs = 5 * 60_000

/** Both on the same day, where we are. */
export const isSameDay = (a: string, b: string): boolean => new Date(a).toDateString() === new Date(b).toDateString()
