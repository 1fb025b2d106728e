import { hash } from 'node:crypto'
import { AudioFile } from '../../../models/AudioFile.ts'
import { type Anchor, ChatMessage, type ChatMessageWire } from '../../../models/ChatMessage.ts'
import { Image } from '../../../models/Image.ts'
import { LogEntry } from '../../../models/LogEntry.ts'
import type { Database } from '../../infra/mongo.ts'
import { type Actor, permits } from '../../kernel/actor.ts'
import { AppError, forbidden, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Log } from '../../log/log.ts'
import type { LiveView, LogRecord } from '../../log/types.ts'
import { roomPolicy } from '../../policies/rooms.ts'
import type { Audit } from '../accounts/audit.ts'
import type { Marks } from '../marks.ts'
import type { Bursts } from '../notifications/bursts.ts'
import type { People } from '../people.ts'
import { toggleReaction } from '../shared/reactions.ts'
import { logRecords } from '../shared/records.ts'
import type { RoomLive } from '../shared/room-state.ts'
import { checkAnchor } from './anchors.ts'
import { presentMessage } from './kind.ts'
import type { Rooms } from './rooms.ts'
import type { Search } from './search.ts'
import type { SlowMode } from './slow-mode.ts'

export interface SendInput {
  clientId: string
  type?: 'text' | 'image' | 'file' | 'audio'
  content: string
  replyToId?: string | null
  attachmentIds?: string[]
  anchor?: Anchor
}

export interface MessageDeps {
  database: Database
  log: Log
  rooms: Rooms
  people: People
  marks: Marks
  bursts: Pick<Bursts, 'around' | 'aroundEdit'>
  search: Search
  slowMode: SlowMode
  audit: Audit
}

/** Sending, changing and finding the messages of rooms. */
export function createMessages(deps: MessageDeps) {
  const { database, log, rooms, people, marks, bursts, search, slowMode, audit } = deps
  const entries = logRecords(database)
  const images = database.collection(Image)
  const audioFiles = database.collection(AudioFile)

  function requireMember(actor: Actor, view: LiveView) {
    const live = view as RoomLive
    const role = rooms.visibleRole(actor, live)
    if (!roomPolicy.send(role)) throw forbidden('Join the room first')
    return live
  }

  /** The message (of that room, where one is named) with its room open, for a member. Throws `not_found` for all that the actor may not see. */
  async function withMessage<T>(
    actor: Actor,
    messageId: string,
    roomId: string | undefined,
    work: (record: LogRecord, live: RoomLive) => Promise<T>,
    isShown: (live: RoomLive) => boolean = ({ state }) => state.members.has(actor.userId),
  ): Promise<T> {
    const record = await entries.findOne({ _id: messageId })
    if (record?.kind !== ChatMessage.spec.kind) throw notFound('message')
    if (roomId !== undefined && record!.logId !== roomId) throw notFound('message')
    return log.using(record!.logId, (view) => {
      const live = view as RoomLive
      if (!isShown(live)) throw notFound('message')
      return work(record!, live)
    })
  }

  async function present(record: LogRecord): Promise<ChatMessageWire> {
    const [seen] = await marks.seen(record.logId, [{ seq: record.seq!, senderId: record.senderId }])
    return presentMessage(record, seen)
  }

  /** Changes a message; `transform` must be idempotent. */
  async function change(
    actor: Actor,
    record: LogRecord,
    event: string,
    transform: (current: LogRecord) => Record<string, unknown> | null,
    check: (live: RoomLive) => void = (live) => void requireMember(actor, live),
  ) {
    const [context] = await marks.seen(record.logId, [{ seq: record.seq!, senderId: record.senderId }])
    const changed = await log.change(record.logId, {
      current: record,
      event,
      transform,
      context,
      guard: (live) => check(live as RoomLive),
    })
    search.touch(record.logId)
    return presentMessage(changed, context)
  }

  const alive = (record: LogRecord) => {
    if (record['deletedAt']) throw new AppError('gone', 'The message was deleted')
  }

  async function attachments(actor: Actor, ids: string[]) {
    if (ids.length === 0) return []
    const [pictures, sounds] = await Promise.all([
      images.find({ _id: { $in: ids } }).toArray(),
      audioFiles.find({ _id: { $in: ids } }).toArray(),
    ])
    return ids.map((id) => {
      const image = pictures.find((each) => each._id === id)
      if (image && image.uploaderId === actor.userId)
        return { id, kind: 'image' as const, title: image.usageType, url: image.url }
      const audio = sounds.find((each) => each._id === id)
      if (audio && (audio.userId === actor.userId || audio.visibility === 'public')) {
        return { id, kind: 'audio' as const, title: audio.title, url: audio.fileUrl }
      }
      throw notFound('attachment')
    })
  }

  /** Throws as `checkAnchor` does, but for a repeat: what was sent stays sent, whatever became of the recording. */
  async function requireAnchor(actor: Actor, roomId: string, clientId: string, anchor: Anchor) {
    try {
      await checkAnchor(database, actor, anchor)
    } catch (error) {
      const own = { logId: roomId, senderId: actor.userId, clientId }
      if (!(await entries.findOne(own, { projection: { _id: 1 } }))) throw error
    }
  }

  return {
    async send(actor: Actor, roomId: string, input: SendInput): Promise<ChatMessageWire> {
      const { clientId, content, type = 'text', replyToId = null, attachmentIds = [], anchor } = input
      // Without an anchor as before there were any: repeats of what was sent then are still the same.
      const said = [type, content, replyToId, attachmentIds, ...(anchor ? [anchor] : [])]
      const fingerprint = hash('sha1', JSON.stringify(said), 'base64')
      const record = await log.using(roomId, async (view) => {
        const live = requireMember(actor, view)
        if (replyToId) {
          const target = await entries.findOne({ _id: replyToId })
          if (target?.logId !== roomId || target.seq === undefined) throw notFound('message to reply to')
        }
        const mentions = content.includes('@')
          ? await people.mentioned(content, (id) => live.state.members.has(id))
          : []
        const attached = attachmentIds.length > 0 ? await attachments(actor, attachmentIds) : []
        if (anchor) await requireAnchor(actor, roomId, clientId, anchor)
        // Last of all, so that only what is sent takes a turn.
        const giveBack = await slowMode.takeTurn(actor, live, clientId)
        const draft = {
          id: newId(),
          kind: ChatMessage.spec.kind!,
          event: 'room:message',
          senderId: actor.userId,
          clientId,
          fingerprint,
          counts: true,
          body: {
            chatRoomId: roomId,
            type,
            content,
            replyToId,
            sentAt: new Date(),
            updatedAt: null,
            reactions: [],
            mentions,
            attachments: attached,
            ...(anchor && { anchor }),
            pinned: false,
            deletedAt: null,
          },
        }
        const append = () => log.append(roomId, draft, (now) => void requireMember(actor, now))
        // Alone in a room there is nobody to tell.
        const sent = live.state.members.size > 1 ? bursts.around(roomId, live.seq, append) : append()
        return sent.catch(async (error) => {
          await giveBack()
          throw error
        })
      })
      // A repeat of a message that has lived on since answers with what it is now.
      if (record.rev !== record.firstRev) return present(record)
      search.touch(roomId)
      return presentMessage(record)
    },

    edit: (actor: Actor, messageId: string, content: string, roomId?: string): Promise<ChatMessageWire> =>
      withMessage(actor, messageId, roomId, async (record, live) => {
        if (!roomPolicy.edit(record.senderId === actor.userId)) throw forbidden('Only its sender edits a message')
        const mentions = content.includes('@')
          ? await people.mentioned(content, (id) => live.state.members.has(id))
          : []
        const before = new Set(record['mentions'] as string[])
        const edit = () =>
          change(actor, record, 'room:message:edited', (current) => {
            alive(current)
            if (current['content'] === content) return null
            return { content, mentions, updatedAt: new Date() }
          })
        return mentions.some((userId) => !before.has(userId)) ? bursts.aroundEdit(messageId, edit) : edit()
      }),

    /** By its sender, those who lead the room and, where the room is public, those who may delete anybody's messages. */
    async delete(actor: Actor, messageId: string, roomId?: string): Promise<ChatMessageWire> {
      const moderates = permits(actor, { action: 'delete', resource: 'ChatMessage' })
      const isShown = ({ state }: RoomLive) =>
        state.members.has(actor.userId) || (moderates && state.room?.visibility === 'public')
      let byPermission = false
      const work = async (record: LogRecord, live: RoomLive) => {
        const isSender = record.senderId === actor.userId
        const check = (current: RoomLive) => {
          if (!isShown(current)) throw notFound('message')
          const role = current.state.members.get(actor.userId)
          if (!roomPolicy.deleteMessage(role, isSender, moderates)) {
            throw forbidden('Only its sender or those who lead the room delete a message')
          }
          byPermission = !record['deletedAt'] && !roomPolicy.deleteMessage(role, isSender, false)
        }
        check(live)
        const erase = (current: LogRecord) => {
          if (current['deletedAt']) return null
          const now = new Date()
          return {
            content: '',
            mentions: [],
            reactions: [],
            attachments: [],
            ...(current['anchor'] ? { anchor: null } : {}),
            pinned: false,
            deletedAt: now,
            updatedAt: now,
          }
        }
        return change(actor, record, 'room:message:deleted', erase, check)
      }
      const deleted = await withMessage(actor, messageId, roomId, work, isShown)
      if (byPermission) {
        await audit.record('ChatMessageDelete', actor.userId, {
          messageId,
          chatRoomId: deleted.chatRoomId,
          senderId: deleted.senderId,
        })
      }
      return deleted
    },

    react: (actor: Actor, messageId: string, emoji: string, on: boolean, roomId?: string): Promise<ChatMessageWire> =>
      withMessage(actor, messageId, roomId, (record) =>
        change(actor, record, 'room:message:reacted', (current) => {
          alive(current)
          return toggleReaction(current, actor.userId, emoji, on)
        }),
      ),

    pin: (actor: Actor, messageId: string, on: boolean, roomId?: string): Promise<ChatMessageWire> =>
      withMessage(actor, messageId, roomId, (record) =>
        change(actor, record, 'room:message:pinned', (current) => {
          alive(current)
          return current['pinned'] === on ? null : { pinned: on }
        }),
      ),

    get: (actor: Actor, messageId: string, roomId?: string): Promise<ChatMessageWire> =>
      withMessage(actor, messageId, roomId, present),

    /** A page of messages by seq, ascending, before or after a seq, or the newest; `pinned` for pins alone. */
    async history(
      actor: Actor,
      roomId: string,
      { before, after, limit, pinned }: { before?: number; after?: number; limit: number; pinned?: boolean },
    ): Promise<{ messages: ChatMessageWire[]; more: boolean }> {
      return log.using(roomId, async (view) => {
        requireMember(actor, view)
        const seq: Record<string, number | boolean> = { $exists: true }
        if (before !== undefined) seq['$lt'] = before
        if (after !== undefined) seq['$gt'] = after
        const onwards = after !== undefined && before === undefined
        const filter = { logId: roomId, seq, ...(pinned ? { pinned: true } : {}) }
        const order = { sort: { seq: onwards ? 1 : -1 }, limit: limit + 1 } as const
        const found = (await database.find(LogEntry, filter as object, order)) as unknown as LogRecord[]
        const page = found.slice(0, limit)
        if (!onwards) page.reverse()
        return { messages: await presentAll(page), more: found.length > limit }
      })
    },

    /** Messages of the actor's own rooms that hold all the words of `query`, the best matches first. */
    async search(
      actor: Actor,
      query: string,
      roomId: string | undefined,
      limit: number,
    ): Promise<{ messages: ChatMessageWire[] }> {
      const roomIds = roomId ? [roomId] : await rooms.listOwn(actor.userId, undefined, 1_000)
      if (roomId) await log.using(roomId, (view) => void requireMember(actor, view))
      const lives = await log.acquire(roomIds)
      try {
        const ids = await search.find(lives, query, limit)
        const records = new Map((await entries.find({ _id: { $in: ids } }).toArray()).map((each) => [each._id, each]))
        // The actor may have been removed from a room while we looked.
        const found = ids.flatMap((id) => {
          const record = records.get(id)
          const live = record && (log.get(record.logId) as RoomLive | undefined)
          return record && live?.state.members.has(actor.userId) ? [record] : []
        })
        return { messages: await presentAll(found) }
      } finally {
        for (const live of lives) log.release(live)
      }
    },

    /** Messages as clients get them, in the order given. */
    presentAll,
  }

  async function presentAll(records: LogRecord[]): Promise<ChatMessageWire[]> {
    const byLog = new Map<string, LogRecord[]>()
    for (const record of records) byLog.set(record.logId, [...(byLog.get(record.logId) ?? []), record])
    const presented = new Map<string, ChatMessageWire>()
    for (const [logId, group] of byLog) {
      const seen = await marks.seen(
        logId,
        group.map((record) => ({ seq: record.seq!, senderId: record.senderId })),
      )
      group.forEach((record, index) => {
        presented.set(record._id, presentMessage(record, seen[index]))
      })
    }
    return records.map((record) => presented.get(record._id)!)
  }
}

export type Messages = ReturnType<typeof createMessages>
