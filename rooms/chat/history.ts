import { z } from 'zod'
import { ChatMessage } from '../../models/ChatMessage.ts'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'
import { page, roomId } from './fields.ts'

export const history = defineEvent({
  name: 'room:history',
  summary: 'A page of a room’s messages, ascending by seq',
  scope: 'rooms:read',
  rate: rates.read,
  payload: z.object({ roomId, ...page }),
  ack: z.object({ messages: z.array(ChatMessage.wire), more: z.boolean() }),
  handle: ({ actor, services }, { roomId: id, ...range }) => services.messages.history(actor, id, range),
})
