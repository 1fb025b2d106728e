import { z } from 'zod'
import { f } from '../../src/kernel/fields.ts'
import { rates } from '../../src/kernel/rate.ts'
import { roomId } from '../chat/fields.ts'
import { defineEvent } from '../define.ts'
import { ListenState, positionMs } from './fields.ts'

export const start = defineEvent({
  name: 'listen:start',
  summary: 'Starts a track for all in the room, in place of what is listened to',
  scope: 'rooms:write',
  rate: rates.write,
  payload: z.object({ roomId, audioFileId: f.ref('AudioFile'), positionMs: positionMs.optional() }),
  ack: ListenState,
  handle: ({ actor, services }, payload) => services.listening.startTrack(actor, payload),
})
