import { z } from 'zod'
import { Message } from '../../models/Message.ts'
import { rates } from '../../src/kernel/rate.ts'
import { emoji, messageId } from '../chat/fields.ts'
import { defineEvent } from '../define.ts'

export const react = defineEvent({
  name: 'dm:react',
  summary: 'Puts a reaction on a direct message, or takes it off',
  scope: 'dms:write',
  rate: rates.write,
  payload: z.object({ messageId, emoji, on: z.boolean() }),
  ack: Message.wire,
  handle: ({ actor, services }, payload) => services.direct.react(actor, payload.messageId, payload.emoji, payload.on),
})
