import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'
import { logFields, maxContent, Reaction } from './ChatMessage.ts'

export const Message = defineEntity('Message', {
  description: 'A direct message between two users',
  collection: 'log',
  kind: 'Message',
  fields: {
    id: f.id(),
    senderId: f.ref('User', 'keep'),
    receiverId: f.ref('User', 'keep'),
    content: f.text(0, maxContent),
    sentAt: f.time(),
    /** Derived from the receiver's reading marks when a message is presented. */
    readAt: f.time().nullable().default(null),
    updatedAt: f.time().nullable().default(null),
  },
  extra: {
    seq: z.int().min(1).describe('The number among the conversation’s messages, fixed at sending'),
    rev: z.int().min(1).describe('The number of the message’s last change in the conversation’s log'),
    clientId: z.string().optional().describe('Chosen by the sender; makes sending idempotent'),
    reactions: z.array(Reaction).default([]),
    deletedAt: f.time().nullable().default(null),
  },
  stored: { ...logFields, fingerprint: z.string() },
  indexes: [],
})
export type MessageDoc = Stored<typeof Message>
export type MessageWire = Wire<typeof Message>
