import { z } from 'zod'
import { Message } from '../../models/Message.ts'
import { rates } from '../../src/kernel/rate.ts'
import { clientId, content, userId } from '../chat/fields.ts'
import { defineEvent } from '../define.ts'

export const send = defineEvent({
  name: 'dm:send',
  summary: 'Sends a direct message',
  scope: 'dms:write',
  rate: rates.send,
  payload: z.object({ userId, clientId, content }),
  ack: Message.wire,
  handle: ({ actor, services }, { userId: id, ...input }) => services.direct.send(actor, id, input),
})
