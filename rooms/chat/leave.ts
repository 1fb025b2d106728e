import { z } from 'zod'
import { ChatRoom } from '../../models/ChatRoom.ts'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'
import { roomId } from './fields.ts'

export const leave = defineEvent({
  name: 'room:leave',
  summary: 'Leaves a room; a sole owner hands it on',
  scope: 'rooms:write',
  rate: rates.write,
  payload: z.object({ roomId }),
  ack: ChatRoom.wire,
  handle: ({ actor, services }, payload) => services.rooms.leave(actor, payload.roomId),
})
