import { z } from 'zod'
import { f as field } from '../../src/kernel/fields.ts'
import { rates } from '../../src/kernel/rate.ts'
import { userId } from '../chat/fields.ts'
import { defineEvent } from '../define.ts'

export const read = defineEvent({
  name: 'dm:read',
  summary: 'Marks a conversation as read up to a message',
  scope: 'dms:read',
  rate: rates.signal,
  payload: z.object({ userId, seq: field.seq() }),
  ack: z.object({ readSeq: z.int(), unread: z.int() }),
  handle: ({ actor, services }, payload) => services.direct.read(actor, payload.userId, payload.seq),
})
