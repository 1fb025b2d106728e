import { z } from 'zod'
import { ChatMessage } from '../../models/ChatMessage.ts'
import { f as field } from '../../src/kernel/fields.ts'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'
import { clientId, content, messageId, roomId } from './fields.ts'

export const send = defineEvent({
  name: 'room:send',
  summary: 'Sends a message to a room',
  scope: 'rooms:write',
  rate: rates.send,
  payload: z.object({
    roomId,
    clientId,
    type: z.enum(['text', 'image', 'file', 'audio']).default('text'),
    content,
    replyToId: messageId.nullish(),
    attachmentIds: z.array(field.id()).max(10).optional(),
  }),
  ack: ChatMessage.wire,
  handle: ({ actor, services }, { roomId: id, ...input }) => services.messages.send(actor, id, input),
})
