import { z } from 'zod'
import { f as field } from '../../src/kernel/fields.ts'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'
import { roomId } from './fields.ts'

export const read = defineEvent({
  name: 'room:read',
  summary: 'Moves one’s reading mark on',
  scope: 'rooms:read',
  rate: rates.signal,
  payload: z.object({ roomId, seq: field.seq() }),
  ack: z.object({ readSeq: z.int(), unread: z.int() }),
  handle: ({ actor, services }, payload) => services.signals.read(actor, payload.roomId, payload.seq),
})
