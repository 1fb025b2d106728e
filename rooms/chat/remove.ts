import { z } from 'zod'
import { ChatRoom } from '../../models/ChatRoom.ts'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'
import { roomId, userId } from './fields.ts'

export const remove = defineEvent({
  name: 'room:remove',
  summary: 'Removes a member, by an owner or moderator',
  scope: 'rooms:write',
  rate: rates.write,
  payload: z.object({ roomId, userId }),
  ack: ChatRoom.wire,
  handle: ({ actor, services }, payload) => services.rooms.remove(actor, payload.roomId, payload.userId),
})
