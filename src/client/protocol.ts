/** The wire: what a client may emit with what it gets back, and what the server emits. Types only. */

export type Id = string
/** ISO 8601, UTC, with milliseconds. */
export type Timestamp = string

export interface Reaction {
  emoji: string
  userIds: Id[]
}

export interface ChatRoom {
  id: Id
  name: string
  memberIds?: Id[]
  createdAt: Timestamp
  updatedAt?: Timestamp | null
  visibility?: 'public' | 'private'
  topic?: string
  slowModeSeconds?: number
  createdBy?: Id
  members?: { userId: Id; role: RoomRole }[]
  memberCount?: number
  rev?: number
  seq?: number
}

export interface ChatMessage {
  id: Id
  chatRoomId: Id
  senderId: Id
  type: 'text' | 'system' | 'image' | 'file' | 'audio'
  content: string
  replyToId?: Id | null
  seenBy?: Id[]
  seenCount?: number
  sentAt: Timestamp
  updatedAt?: Timestamp | null
  seq: number
  rev: number
  clientId?: string
  reactions: Reaction[]
  mentions: Id[]
  attachments: { id: Id; kind: 'image' | 'audio'; title: string; url: string }[]
  pinned: boolean
  deletedAt: Timestamp | null
}

export interface Message {
  id: Id
  senderId: Id
  receiverId: Id
  content: string
  sentAt: Timestamp
  readAt?: Timestamp | null
  updatedAt?: Timestamp | null
  seq: number
  rev: number
  clientId?: string
  reactions?: Reaction[]
  deletedAt?: Timestamp | null
}

export interface Notification {
  id: Id
  userId: Id
  type: 'NewLike' | 'NewComment' | 'NewFollow' | 'NewMessage' | 'NewMatch'
  payload?: Record<string, unknown>
  isRead?: boolean
  createdAt: Timestamp
  readAt?: Timestamp | null
}

export type RoomRole = 'owner' | 'moderator' | 'member'
export type PresenceStatus = 'online' | 'away' | 'dnd' | 'invisible' | 'offline'

export interface Presence {
  userId: Id
  status: PresenceStatus
  text?: string | null
  lastActiveAt?: Timestamp | null
}

/** A log: a room, or the direct conversation with a user. */
export type LogRef = { roomId: Id; userId?: undefined } | { userId: Id; roomId?: undefined }

export type SyncedLog = LogRef &
  (
    | { changes: { event: string; payload: unknown }[]; rev: number; more: boolean; error?: undefined }
    | { error: { code: string; message?: string } }
  )

interface Call<Payload, Data> {
  payload: Payload
  data: Data
}

type HistoryRange = { before?: number; after?: number; limit?: number }

/** Event name → payload and ack data. */
export interface ClientEvents {
  'log:sync': Call<{ logs: (LogRef & { rev: number })[]; limit?: number }, { logs: SyncedLog[] }>

  'room:create': Call<{ name: string; visibility?: 'public' | 'private'; topic?: string; memberIds?: Id[] }, ChatRoom>
  'room:join': Call<{ roomId: Id }, ChatRoom>
  'room:leave': Call<{ roomId: Id }, ChatRoom>
  'room:invite': Call<{ roomId: Id; userIds: Id[] }, ChatRoom>
  'room:remove': Call<{ roomId: Id; userId: Id }, ChatRoom>
  'room:role': Call<{ roomId: Id; userId: Id; role: RoomRole }, ChatRoom>
  'room:update': Call<
    { roomId: Id; name?: string; topic?: string; visibility?: 'public' | 'private'; slowModeSeconds?: number },
    ChatRoom
  >
  'room:send': Call<
    {
      roomId: Id
      clientId: string
      content: string
      type?: 'text' | 'image' | 'file' | 'audio'
      replyToId?: Id
      attachmentIds?: Id[]
    },
    ChatMessage
  >
  'room:edit': Call<{ messageId: Id; content: string }, ChatMessage>
  'room:delete': Call<{ messageId: Id }, ChatMessage>
  'room:react': Call<{ messageId: Id; emoji: string; on: boolean }, ChatMessage>
  'room:pin': Call<{ messageId: Id; on: boolean }, ChatMessage>
  'room:history': Call<{ roomId: Id } & HistoryRange, { messages: ChatMessage[]; more: boolean }>
  'room:search': Call<{ query: string; roomId?: Id; limit?: number }, { messages: ChatMessage[] }>
  'room:read': Call<{ roomId: Id; seq: number }, { readSeq: number; unread: number }>
  'room:typing': Call<{ roomId: Id; on: boolean }, unknown>

  'dm:send': Call<{ userId: Id; clientId: string; content: string }, Message>
  'dm:edit': Call<{ messageId: Id; content: string }, Message>
  'dm:delete': Call<{ messageId: Id }, Message>
  'dm:react': Call<{ messageId: Id; emoji: string; on: boolean }, Message>
  'dm:history': Call<{ userId: Id } & HistoryRange, { messages: Message[]; more: boolean }>
  'dm:read': Call<{ userId: Id; seq: number }, { readSeq: number; unread: number }>
  'dm:typing': Call<{ userId: Id; on: boolean }, unknown>
  'dm:conversations': Call<{ cursor?: string }, unknown>

  'presence:set': Call<{ status: Exclude<PresenceStatus, 'offline'>; text?: string }, unknown>
  'presence:watch': Call<{ userIds: Id[] }, Presence[]>
  'presence:unwatch': Call<{ userIds: Id[] }, unknown>

  'notification:read': Call<{ ids: Id[] } | { all: true }, { unread: number }>

  'board:operate': Call<{ projectId: Id; operations: BoardOperation[] }, BoardOperated>

  'analysis:wanted': Call<
    { modelVersion: string; limit?: number; cursor?: string },
    { audioFileIds: Id[]; nextCursor: string | null }
  >
  'analysis:add': Call<Heard & { audioFileId: Id }, Heard & { id: Id; audioFileId: Id; analyzedAt: Timestamp }>
}

/** What a bot heard in a recording: beats a minute, a key such as `C#m`, and the model that heard it. */
export interface Heard {
  tempo?: number
  key?: string
  genre?: string
  confidence?: number
  metadata?: Record<string, unknown>
  modelVersion: string
}

/** Where something goes in a list: beside another, or at an index; else at the end. */
type BoardPlace = { beforeId?: string; afterId?: string; index?: number }

type CardFields = {
  description?: string
  assignees?: Id[]
  labels?: string[]
  dueAt?: Timestamp | null
  checklist?: { id?: string; text: string; done?: boolean }[]
  audioFileId?: Id | null
}

export type BoardOperation =
  | ({ op: 'column.add'; columnId?: string; title: string } & BoardPlace)
  | ({ op: 'column.update'; columnId: string; title?: string } & BoardPlace)
  | { op: 'column.remove'; columnId: string; moveCardsTo?: string }
  | ({ op: 'card.add'; cardId?: string; columnId: string; title: string } & CardFields & BoardPlace)
  | ({ op: 'card.update'; cardId: string; title?: string; check?: { itemId: string; done: boolean }[] } & CardFields)
  | ({ op: 'card.move'; cardId: string; columnId?: string } & BoardPlace)
  | { op: 'card.remove'; cardId: string }
  | ({ op: 'note.add'; noteId?: string; title: string; body?: string } & BoardPlace)
  | ({ op: 'note.update'; noteId: string; title?: string; body?: string } & BoardPlace)
  | { op: 'note.remove'; noteId: string }

/** `ids`: what each operation was about; the others: all that changed. */
export interface BoardOperated {
  ids: string[]
  columnIds: string[]
  cardIds: string[]
  noteIds: string[]
}

export interface Ready {
  userId: Id
  sessionId: Id
  serverTime: Timestamp
  /** `seq`: the last message's, where the server tells. */
  rooms: { id: Id; name: string; rev: number; seq?: number; readSeq: number; unread: number }[]
  conversations: { userId: Id; rev: number; seq?: number; readSeq: number; unread: number }[]
  unreadNotifications: number
}

/** What every live change carries besides its own fields: the rev before it, as this socket was given it. */
interface Live {
  prevRev?: number
}

/** Event name → payload. */
export interface ServerEmissions {
  ready: Ready
  'session:revoked': { sessionId?: Id; reason?: string }
  /** The instance goes down; the connection ends and the next attempt finds another. */
  'server:draining': { reconnectInMs: number }

  'room:joined': ChatRoom
  'room:left': { roomId: Id; change?: 'left' | 'removed' }
  'room:member': Live & {
    roomId: Id
    rev: number
    userId: Id
    change: 'joined' | 'left' | 'removed' | 'role'
    role?: RoomRole
    /** Who made the change. */
    by?: Id
  }
  'room:updated': Live & {
    roomId: Id
    rev: number
    by?: Id
    name?: string
    topic?: string
    visibility?: 'public' | 'private'
    slowModeSeconds?: number
  }
  'room:message': Live & ChatMessage
  'room:message:edited': Live & ChatMessage
  'room:message:deleted': Live & ChatMessage
  'room:message:reacted': Live & ChatMessage
  'room:message:pinned': Live & ChatMessage
  'room:read': { roomId: Id; userId: Id; seq: number }
  'room:typing': { roomId: Id; userId: Id; on: boolean }

  'dm:message': Live & Message
  'dm:message:edited': Live & Message
  'dm:message:deleted': Live & Message
  'dm:message:reacted': Live & Message
  /** `userId` has read what `peerId` wrote up to `seq`. */
  'dm:read': { userId: Id; peerId?: Id; seq: number; readAt: Timestamp }
  'dm:typing': { userId: Id; on: boolean }

  presence: Presence
  notification: Notification
  'notification:read': { ids?: Id[]; all?: boolean; unread?: number }

  'analysis:progress': { audioFileId: Id; stage: string; percent: number }
  'analysis:done': { audioFileId: Id; reportId: Id }
  'analysis:failed': { audioFileId: Id; reason: string }
  'audio:new': { audioFileId: Id }
  'board:changed': { projectId: Id; cardIds: string[]; noteIds: string[]; columnIds: string[]; by: Id | null }
}
