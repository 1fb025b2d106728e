import { hash } from 'node:crypto'
import { Membership } from '../../../models/Membership.ts'
import { Message, type MessageWire } from '../../../models/Message.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { channels } from '../../kernel/channels.ts'
import { AppError, conflict, forbidden, invalid, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Bus, Emitter } from '../../kernel/ports.ts'
import type { Log } from '../../log/log.ts'
import type { LogRecord } from '../../log/types.ts'
import type { Marks } from '../marks.ts'
import type { Bursts } from '../notifications/bursts.ts'
import type { People } from '../people.ts'
import { conversationId, conversationSides } from '../shared/conversation.ts'
import { toggleReaction } from '../shared/reactions.ts'
import { logRecords } from '../shared/records.ts'
import type { Typing } from '../typing.ts'
import { presentDirect } from './kind.ts'

export interface DirectDeps {
  database: Database
  log: Log
  bus: Bus
  emitter: Emitter
  people: People
  marks: Marks
  typing: Typing
  bursts: Pick<Bursts, 'around'>
  /** Told how far a user has read a conversation; for notifications. */
  onRead(logId: string, userId: string, readSeq: number, isAll: boolean): void
}

export interface ConversationWire {
  userId: string
  rev: number
  readSeq: number
  unread: number
  lastMessage: MessageWire | null
}

/** How many conversations this instance remembers to exist. */
const maxKnown = 100_000

/** The most conversations of one user. */
const maxConversations = 5_000

/** Direct messages between two people. */
export function createDirect(deps: DirectDeps) {
  const { database, log, bus, emitter, people, marks, typing, bursts, onRead } = deps
  const memberships = database.collection(Membership)
  const entries = logRecords(database)
  /** Conversations whose memberships are known to be stored. */
  const known = new Set<string>()

  /** Stores both people's places in a conversation, once. */
  async function ensureConversation(logId: string) {
    if (known.has(logId)) return
    await requireRoomForMore(logId)
    const [a, b] = conversationSides(logId)
    const result = await memberships.bulkWrite(
      [
        [a, b],
        [b, a],
      ].map(([userId, peerId]) => ({
        updateOne: {
          filter: { logId, userId },
          update: [
            {
              $set: {
                _id: { $ifNull: ['$_id', newId()] },
                kind: 'direct',
                peerId,
                role: 'member',
                active: true,
                readSeq: { $ifNull: ['$readSeq', 0] },
                marks: { $ifNull: ['$marks', []] },
                joinedAt: { $ifNull: ['$joinedAt', '$$NOW'] },
                changedAt: { $ifNull: ['$changedAt', '$$NOW'] },
              },
            },
          ],
          upsert: true,
        },
      })) as never,
      { ordered: false },
    )
    if (result.upsertedCount > 0) for (const userId of [a, b]) bus.publish('member', `${userId} ${logId}`)
    if (known.size >= maxKnown) known.clear()
    known.add(logId)
  }

  /** `ready` tells of all conversations of a user, so that there is a bound to them. */
  async function requireRoomForMore(logId: string) {
    for (const userId of conversationSides(logId)) {
      const count = await memberships.countDocuments(
        { userId, active: true, kind: 'direct', logId: { $ne: logId } },
        { limit: maxConversations },
      )
      if (count >= maxConversations) throw conflict(`Nobody can have more than ${maxConversations} conversations`)
    }
  }

  async function requirePeer(actor: Actor, userId: string): Promise<string> {
    if (userId === actor.userId) throw invalid('There is no conversation with oneself', 'userId')
    const existing = await people.existing([userId])
    if (!existing.has(userId)) throw notFound('user')
    return conversationId(actor.userId, userId)
  }

  /** For reading: a conversation that was stays readable when the other side has gone. */
  async function requirePast(actor: Actor, userId: string): Promise<string> {
    const logId = conversationId(actor.userId, userId)
    if (userId !== actor.userId && (await memberships.findOne({ logId, userId: actor.userId }))) return logId
    return requirePeer(actor, userId)
  }

  async function requireUnblocked(actor: Actor, userId: string, isRepeat = async () => false) {
    if (!(await people.hasBlocked(userId, actor.userId)) || (await isRepeat())) return
    throw forbidden('This person does not accept messages from you')
  }

  async function isStored(logId: string, actor: Actor, clientId: string): Promise<boolean> {
    const found = await entries.findOne({ logId, senderId: actor.userId, clientId }, { projection: { _id: 1 } })
    return found !== null
  }

  async function find(actor: Actor, messageId: string): Promise<LogRecord> {
    const record = await entries.findOne({ _id: messageId })
    if (record === null || record.kind !== Message.spec.kind) throw notFound('message')
    if (!conversationSides(record.logId).includes(actor.userId)) throw notFound('message')
    return record
  }

  async function change(
    record: LogRecord,
    event: string,
    transform: (current: LogRecord) => Record<string, unknown> | null,
  ) {
    const readAt = (await marks.readAt(record.logId, record['receiverId'] as string))(record.seq!)
    const changed = await log.change(record.logId, { current: record, event, transform, context: readAt })
    return presentDirect(changed, readAt)
  }

  const alive = (record: LogRecord) => {
    if (record['deletedAt']) throw new AppError('gone', 'The message was deleted')
  }

  async function present(records: LogRecord[], logId: string): Promise<MessageWire[]> {
    const [a, b] = conversationSides(logId)
    const [readByA, readByB] = await Promise.all([marks.readAt(logId, a), marks.readAt(logId, b)])
    return records.map((record) => presentDirect(record, (record.senderId === a ? readByB : readByA)(record.seq!)))
  }

  return {
    async send(actor: Actor, userId: string, input: { clientId: string; content: string }): Promise<MessageWire> {
      const logId = await requirePeer(actor, userId)
      // A repeat gets its answer at any later time: it was sent before the block.
      await requireUnblocked(actor, userId, () => isStored(logId, actor, input.clientId))
      await ensureConversation(logId)
      const draft = {
        id: newId(),
        kind: Message.spec.kind!,
        event: 'dm:message',
        senderId: actor.userId,
        clientId: input.clientId,
        fingerprint: hash('sha1', input.content, 'base64'),
        counts: true,
        body: {
          receiverId: userId,
          content: input.content,
          sentAt: new Date(),
          updatedAt: null,
          reactions: [],
          deletedAt: null,
        },
      }
      const record = await log.using(logId, (live) => bursts.around(logId, live.seq, () => log.append(logId, draft)))
      if (record.rev !== record.firstRev) return (await present([record], logId))[0]!
      return presentDirect(record)
    },

    async edit(actor: Actor, messageId: string, content: string): Promise<MessageWire> {
      const record = await find(actor, messageId)
      if (record.senderId !== actor.userId) throw forbidden('Only its sender edits a message')
      await requireUnblocked(actor, record['receiverId'] as string)
      return change(record, 'dm:message:edited', (current) => {
        alive(current)
        return current['content'] === content ? null : { content, updatedAt: new Date() }
      })
    },

    async delete(actor: Actor, messageId: string): Promise<MessageWire> {
      const record = await find(actor, messageId)
      if (record.senderId !== actor.userId) throw forbidden('Only its sender deletes a message')
      return change(record, 'dm:message:deleted', (current) => {
        if (current['deletedAt']) return null
        const now = new Date()
        return { content: '', reactions: [], deletedAt: now, updatedAt: now }
      })
    },

    async react(actor: Actor, messageId: string, emoji: string, on: boolean): Promise<MessageWire> {
      const record = await find(actor, messageId)
      const peerId = conversationSides(record.logId).find((userId) => userId !== actor.userId)!
      if (on) await requireUnblocked(actor, peerId)
      return change(record, 'dm:message:reacted', (current) => {
        alive(current)
        return toggleReaction(current, actor.userId, emoji, on)
      })
    },

    get: async (actor: Actor, messageId: string): Promise<MessageWire> => {
      const record = await find(actor, messageId)
      return (await present([record], record.logId))[0]!
    },

    /** A page of messages by seq, ascending, before or after a seq, or the newest. */
    async history(
      actor: Actor,
      userId: string,
      { before, after, limit }: { before?: number; after?: number; limit: number },
    ) {
      const logId = await requirePast(actor, userId)
      const seq: Record<string, number | boolean> = { $exists: true }
      if (before !== undefined) seq['$lt'] = before
      if (after !== undefined) seq['$gt'] = after
      const onwards = after !== undefined && before === undefined
      const found = await entries
        .find({ logId, seq } as object)
        .sort({ seq: onwards ? 1 : -1 })
        .limit(limit + 1)
        .toArray()
      const page = found.slice(0, limit)
      if (!onwards) page.reverse()
      return { messages: await present(page, logId), more: found.length > limit }
    },

    /** Marks all messages up to `seq` as read, and tells both sides. */
    async read(actor: Actor, userId: string, seq: number): Promise<{ readSeq: number; unread: number }> {
      const logId = await requirePast(actor, userId)
      return log.using(logId, async (live) => {
        if (live.rev === 0) return { readSeq: 0, unread: 0 }
        const wanted = Math.min(seq, live.seq)
        const readSeq = await marks.move({ logId, userId: actor.userId, seq: wanted })
        onRead(logId, actor.userId, readSeq, readSeq >= live.seq)
        const unread = (await marks.unread(actor.userId, [{ logId, readSeq, seq: live.seq }])).get(logId)!
        if (readSeq === wanted && wanted > 0) {
          const readAt = (await marks.readAt(logId, actor.userId))(wanted)?.toISOString() ?? new Date().toISOString()
          const payload = { userId: actor.userId, peerId: userId, seq: readSeq, readAt }
          for (const side of [actor.userId, userId]) emitter.emit(channels.dms(side), 'dm:read', payload)
        }
        return { readSeq, unread }
      })
    },

    async typing(actor: Actor, userId: string, on: boolean): Promise<void> {
      await requirePeer(actor, userId)
      if (await people.hasBlocked(userId, actor.userId)) return
      typing.set(`${actor.userId} ${userId}`, on, [channels.dms(userId)], 'dm:typing', (state) => ({
        userId: actor.userId,
        on: state,
      }))
    },

    /** The actor's conversations, the newest begun first; `before` is the membership id to go on from. */
    async conversations(actor: Actor, before: string | undefined, limit: number) {
      const filter: Record<string, unknown> = { userId: actor.userId, active: true, kind: 'direct' }
      if (before) filter['_id'] = { $lt: before }
      const found = await memberships
        .find(filter as never, { projection: { marks: 0 } })
        .sort({ _id: -1 })
        .limit(limit + 1)
        .toArray()
      const page = found.slice(0, limit)
      const lives = await log.acquire(page.map((membership) => membership.logId))
      try {
        const unread = await marks.unread(
          actor.userId,
          page.map((membership, index) => ({
            logId: membership.logId,
            readSeq: membership.readSeq,
            seq: lives[index]!.seq,
          })),
        )
        const last = await Promise.all(
          page.map(({ logId }, index) =>
            lives[index]!.seq > 0 ? entries.findOne({ logId, seq: lives[index]!.seq }) : null,
          ),
        )
        const items: ConversationWire[] = []
        for (const [index, membership] of page.entries()) {
          const record = last[index]
          items.push({
            userId: membership.peerId!,
            rev: lives[index]!.rev,
            readSeq: membership.readSeq,
            unread: unread.get(membership.logId) ?? 0,
            lastMessage: record ? (await present([record], membership.logId))[0]! : null,
          })
        }
        return { items, next: found.length > limit ? page.at(-1)!._id : null }
      } finally {
        for (const live of lives) log.release(live)
      }
    },
  }
}

export type Direct = ReturnType<typeof createDirect>
