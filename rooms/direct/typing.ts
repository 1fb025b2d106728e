import { z } from 'zod'
import { rates } from '../../src/kernel/rate.ts'
import { userId } from '../chat/fields.ts'
import { defineEvent } from '../define.ts'

export const typing = defineEvent({
  name: 'dm:typing',
  summary: 'Tells the other that one is typing; ends by itself after 6 s',
  scope: 'dms:write',
  rate: rates.signal,
  payload: z.object({ userId, on: z.boolean() }),
  ack: z.null(),
  handle: async ({ actor, services }, payload) => {
    await services.direct.typing(actor, payload.userId, payload.on)
    return null
  },
})
