import { z } from 'zod'
import { ChatMessage } from '../../models/ChatMessage.ts'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'
import { content, messageId } from './fields.ts'

export const edit = defineEvent({
  name: 'room:edit',
  summary: 'Changes the text of one’s own message',
  scope: 'rooms:write',
  rate: rates.write,
  payload: z.object({ messageId, content }),
  ack: ChatMessage.wire,
  handle: ({ actor, services }, payload) => services.messages.edit(actor, payload.messageId, payload.content),
})
