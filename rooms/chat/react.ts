import { z } from 'zod'
import { ChatMessage } from '../../models/ChatMessage.ts'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'
import { emoji, messageId } from './fields.ts'

export const react = defineEvent({
  name: 'room:react',
  summary: 'Puts a reaction on a message, or takes it off',
  scope: 'rooms:write',
  rate: rates.write,
  payload: z.object({ messageId, emoji, on: z.boolean() }),
  ack: ChatMessage.wire,
  handle: ({ actor, services }, payload) =>
    services.messages.react(actor, payload.messageId, payload.emoji, payload.on),
})
