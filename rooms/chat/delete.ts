import { z } from 'zod'
import { ChatMessage } from '../../models/ChatMessage.ts'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'
import { messageId } from './fields.ts'

export const deleteMessage = defineEvent({
  name: 'room:delete',
  summary: 'Deletes a message; its place stays, empty',
  scope: 'rooms:write',
  rate: rates.write,
  payload: z.object({ messageId }),
  ack: ChatMessage.wire,
  handle: ({ actor, services }, payload) => services.messages.delete(actor, payload.messageId),
})
