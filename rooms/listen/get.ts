import { z } from 'zod'
import { rates } from '../../src/kernel/rate.ts'
import { roomId } from '../chat/fields.ts'
import { defineEvent } from '../define.ts'
import { ListenState } from './fields.ts'

export const get = defineEvent({
  name: 'listen:get',
  summary: 'What the room listens to, or how that ended; null where it never has',
  scope: 'rooms:read',
  rate: rates.read,
  payload: z.object({ roomId }),
  ack: ListenState.nullable(),
  handle: ({ actor, services }, payload) => services.listening.get(actor, payload.roomId),
})
