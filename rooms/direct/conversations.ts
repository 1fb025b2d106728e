import { z } from 'zod'
import { Message } from '../../models/Message.ts'
import { f as field } from '../../src/kernel/fields.ts'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'

const Conversation = z.object({
  userId: field.ref('User'),
  rev: z.int(),
  readSeq: z.int(),
  unread: z.int(),
  lastMessage: Message.wire.nullable(),
})

export const conversations = defineEvent({
  name: 'dm:conversations',
  summary: 'One’s conversations, the newest begun first',
  scope: 'dms:read',
  rate: rates.read,
  payload: z.object({ cursor: field.id().optional(), limit: z.int().min(1).max(100).default(50) }),
  ack: z.object({ items: z.array(Conversation), nextCursor: z.string().nullable() }),
  handle: async ({ actor, services }, { cursor, limit }) => {
    const { items, next } = await services.direct.conversations(actor, cursor, limit)
    return { items, nextCursor: next }
  },
})
