import { z } from 'zod'
import { Message } from '../../models/Message.ts'
import { rates } from '../../src/kernel/rate.ts'
import { messageId } from '../chat/fields.ts'
import { defineEvent } from '../define.ts'

export const deleteMessage = defineEvent({
  name: 'dm:delete',
  summary: 'Deletes one’s own direct message; its place stays, empty',
  scope: 'dms:write',
  rate: rates.write,
  payload: z.object({ messageId }),
  ack: Message.wire,
  handle: ({ actor, services }, payload) => services.direct.delete(actor, payload.messageId),
})
