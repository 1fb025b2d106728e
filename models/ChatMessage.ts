import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

/** The longest text of a message, in characters (contract, section 4). */
export const maxContent = 8_000

export const Reaction = z.object({ emoji: z.string(), userIds: z.array(z.string()) })
const Attachment = z.object({
  id: f.id(),
  kind: z.enum(['image', 'audio']),
  title: z.string(),
  url: z.string(),
})

/** A moment of a recording, or a stretch of it, that a message is about. */
export const Anchor = z.object({
  audioFileId: f.ref('AudioFile', 'keep'),
  startMs: z.int().min(0).describe('Milliseconds from the beginning'),
  endMs: z.int().min(1).optional(),
})
export type Anchor = z.infer<typeof Anchor>

/** Fields that a message has as an entry of a log; see `src/log`. */
export const logFields = {
  logId: z.string(),
  /** How many messages the log held once this entry had its rev. */
  logSeq: z.int(),
  /** The rev that the entry had at first. */
  firstRev: z.int(),
  /** The kind of the entry's last change. */
  event: z.string(),
  at: f.time(),
  /** The rev, and those that the entry left lately; nobody else may take them. */
  slots: z.array(z.int()),
  freed: z.array(z.object({ rev: z.int(), at: z.date() })).optional(),
  /** Names the last change, to tell whether it was this one that came through. */
  changeId: z.string().optional(),
}

export const ChatMessage = defineEntity('ChatMessage', {
  description: 'A message in a room',
  collection: 'log',
  kind: 'ChatMessage',
  fields: {
    id: f.id(),
    chatRoomId: f.ref('ChatRoom', 'keep'),
    senderId: f.ref('User', 'keep'),
    type: z.enum(['text', 'system', 'image', 'file', 'audio']),
    content: f.text(0, maxContent),
    replyToId: f.ref('ChatMessage', 'keep').nullable().default(null),
    /** Derived from the members' reading marks when a message is presented. */
    seenBy: z.array(f.ref('User', 'keep')).default([]),
    sentAt: f.time(),
    updatedAt: f.time().nullable().default(null),
  },
  extra: {
    seq: z.int().min(1).describe('The number among the room’s messages, fixed at sending'),
    rev: z.int().min(1).describe('The number of the message’s last change in the room’s log'),
    clientId: z.string().optional().describe('Chosen by the sender; makes sending idempotent'),
    seenCount: z.int().default(0).describe('How many members have read it, without the sender'),
    reactions: z.array(Reaction).default([]),
    mentions: z.array(f.ref('User', 'keep')).default([]),
    attachments: z.array(Attachment).default([]),
    anchor: Anchor.optional().describe('The moment of a recording that the message is about'),
    pinned: z.boolean().default(false),
    deletedAt: f.time().nullable().default(null),
  },
  stored: {
    ...logFields,
    /** What the client sent, to tell a repeat from another message under the same clientId. */
    fingerprint: z.string(),
  },
  indexes: [
    {
      keys: { logId: 1, pinned: 1, seq: -1 },
      options: { partialFilterExpression: { pinned: true } },
      serves: 'pins of a room',
    },
    {
      keys: { 'anchor.audioFileId': 1, logId: 1, _id: -1 },
      options: { partialFilterExpression: { 'anchor.audioFileId': { $exists: true } } },
      serves: 'what was said about moments of a recording in one’s rooms',
    },
  ],
})
export type ChatMessageDoc = Stored<typeof ChatMessage>
export type ChatMessageWire = Wire<typeof ChatMessage>
