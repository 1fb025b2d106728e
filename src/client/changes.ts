import type { SyncPage } from './log-cursor.ts'
import type { ChatMessage, Id, LogRef, Message, ServerEmissions, SyncedLog } from './protocol.ts'

/** A log's name as a key of maps and stores: `room:<id>` or `dm:<userId>`. */
export type LogKey = `room:${string}` | `dm:${string}`

/** The emissions that are changes of a log; what they have in common is that they carry a `rev`. */
export type ChangeEvent = {
  [E in keyof ServerEmissions]: E extends 'room:joined' | 'room:left' | 'ready'
    ? never
    : ServerEmissions[E] extends { rev: number }
      ? E
      : never
}[keyof ServerEmissions]

/** One change of a log as the application receives it. Narrow on `event`. */
export type Change = {
  [E in ChangeEvent]: { event: E; payload: ServerEmissions[E]; log: LogKey; rev: number; prevRev: number | undefined }
}[ChangeEvent]

export function keyOf(log: LogRef): LogKey {
  return log.roomId !== undefined ? `room:${log.roomId}` : `dm:${log.userId}`
}

export function refOf(key: LogKey): LogRef {
  return key.startsWith('room:') ? { roomId: key.slice(5) } : { userId: key.slice(3) }
}

/**
 * Reads an emission as a change of a log, or null where it is none. Any `room:` or `dm:` emission with a `rev` is one,
 * so that a server newer than this client is followed too. `me` tells the two sides of a conversation apart.
 */
export function toChange(event: string, payload: unknown, me: Id): Change | null {
  if (event === 'room:joined' || event === 'room:left') return null
  if (typeof payload !== 'object' || payload === null) return null
  const fields = payload as Record<string, unknown>
  const { rev, prevRev } = fields
  if (!isCount(rev)) return null
  const log = event.startsWith('room:') ? roomKey(fields) : event.startsWith('dm:') ? peerKey(fields, me) : null
  if (!log) return null
  return { event, payload, log, rev, prevRev: isCount(prevRev) ? prevRev : undefined } as Change
}

/** The message in a change, or null where it carries none (a member, a rename). */
export function messageOf(change: Change): ChatMessage | Message | null {
  const payload = change.payload as Partial<ChatMessage & Message>
  return isCount(payload.seq) && typeof payload.senderId === 'string' ? (payload as ChatMessage | Message) : null
}

/** Whether a change is the sending of its message, not a later one to it. */
export function isSending(change: Change): boolean {
  return change.event === 'room:message' || change.event === 'dm:message'
}

/** Reads one log of a sync's answer; what is not a change of this log is left out. */
export function toPage(synced: Extract<SyncedLog, { rev: number }>, me: Id): SyncPage<Change> {
  const changes = synced.changes
    .map(({ event, payload }) => toChange(event, payload, me))
    .filter((change) => change !== null)
    .sort((a, b) => a.rev - b.rev)
  return { changes, rev: synced.rev, more: synced.more }
}

/** The seq before a log's first message seen, where the change is one. */
export function firstSeq(change: Change): number | null {
  const message = messageOf(change)
  return message && isSending(change) ? message.seq - 1 : null
}

function roomKey(fields: Record<string, unknown>): LogKey | null {
  const id = fields.roomId ?? fields.chatRoomId ?? fields.id
  return typeof id === 'string' ? `room:${id}` : null
}

function peerKey(fields: Record<string, unknown>, me: Id): LogKey | null {
  const id =
    fields.receiverId === undefined ? fields.userId : fields.senderId === me ? fields.receiverId : fields.senderId
  return typeof id === 'string' ? `dm:${id}` : null
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
