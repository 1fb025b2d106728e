import { z } from 'zod'
import { ChatRoom } from '../../models/ChatRoom.ts'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'
import { roomId } from './fields.ts'

export const join = defineEvent({
  name: 'room:join',
  summary: 'Joins a public room; for a member it changes nothing',
  scope: 'rooms:write',
  rate: rates.write,
  payload: z.object({ roomId }),
  ack: ChatRoom.wire,
  handle: ({ actor, services }, payload) => services.rooms.join(actor, payload.roomId),
})
