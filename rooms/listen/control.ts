import { z } from 'zod'
import { rates } from '../../src/kernel/rate.ts'
import { roomId } from '../chat/fields.ts'
import { defineEvent } from '../define.ts'
import { ListenState, positionMs } from './fields.ts'

export const control = defineEvent({
  name: 'listen:control',
  summary: 'Plays on, pauses, seeks or stops for all in the room',
  scope: 'rooms:write',
  rate: rates.write,
  payload: z.object({
    roomId,
    action: z.enum(['play', 'pause', 'seek', 'stop']),
    positionMs: positionMs.optional().describe('Where to; needed to seek. Without it: where the track is'),
  }),
  ack: ListenState,
  handle: ({ actor, services }, payload) => services.listening.control(actor, payload),
})
