import { z } from 'zod'
import { Message } from '../../models/Message.ts'
import { rates } from '../../src/kernel/rate.ts'
import { content, messageId } from '../chat/fields.ts'
import { defineEvent } from '../define.ts'

export const edit = defineEvent({
  name: 'dm:edit',
  summary: 'Changes the text of one’s own direct message',
  scope: 'dms:write',
  rate: rates.write,
  payload: z.object({ messageId, content }),
  ack: Message.wire,
  handle: ({ actor, services }, payload) => services.direct.edit(actor, payload.messageId, payload.content),
})
