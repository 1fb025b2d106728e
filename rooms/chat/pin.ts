import { z } from 'zod'
import { ChatMessage } from '../../models/ChatMessage.ts'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'
import { messageId } from './fields.ts'

export const pin = defineEvent({
  name: 'room:pin',
  summary: 'Pins a message, or unpins it',
  scope: 'rooms:write',
  rate: rates.write,
  payload: z.object({ messageId, on: z.boolean() }),
  ack: ChatMessage.wire,
  handle: ({ actor, services }, payload) => services.messages.pin(actor, payload.messageId, payload.on),
})
