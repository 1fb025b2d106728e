import { z } from 'zod'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'
import { roomId } from './fields.ts'

export const typing = defineEvent({
  name: 'room:typing',
  summary: 'Tells that one is typing; ends by itself after 6 s',
  scope: 'rooms:write',
  rate: rates.signal,
  payload: z.object({ roomId, on: z.boolean() }),
  ack: z.null(),
  handle: ({ actor, services }, payload) => services.signals.typing(actor, payload.roomId, payload.on),
})
