import { z } from 'zod'
import { Message } from '../../models/Message.ts'
import { rates } from '../../src/kernel/rate.ts'
import { page, userId } from '../chat/fields.ts'
import { defineEvent } from '../define.ts'

export const history = defineEvent({
  name: 'dm:history',
  summary: 'A page of a conversation, ascending by seq',
  scope: 'dms:read',
  rate: rates.read,
  payload: z.object({ userId, ...page }),
  ack: z.object({ messages: z.array(Message.wire), more: z.boolean() }),
  handle: ({ actor, services }, { userId: id, ...range }) => services.direct.history(actor, id, range),
})
