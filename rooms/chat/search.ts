import { z } from 'zod'
import { ChatMessage } from '../../models/ChatMessage.ts'
import { f as field } from '../../src/kernel/fields.ts'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'
import { roomId } from './fields.ts'

export const search = defineEvent({
  name: 'room:search',
  summary: 'Finds messages in one’s own rooms by words',
  scope: 'rooms:read',
  rate: rates.read,
  payload: z.object({
    query: field.text(1, 200),
    roomId: roomId.optional(),
    limit: z.int().min(1).max(100).default(20),
  }),
  ack: z.object({ messages: z.array(ChatMessage.wire) }),
  handle: ({ actor, services }, payload) =>
    services.messages.search(actor, payload.query, payload.roomId, payload.limit),
})
