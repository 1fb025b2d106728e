import { z } from 'zod'
import { ChatRoom, RoomRole } from '../../models/ChatRoom.ts'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'
import { roomId, userId } from './fields.ts'

export const assignRole = defineEvent({
  name: 'room:role',
  summary: 'Gives a member a role, by an owner',
  scope: 'rooms:write',
  rate: rates.write,
  payload: z.object({ roomId, userId, role: RoomRole }),
  ack: ChatRoom.wire,
  handle: ({ actor, services }, payload) =>
    services.rooms.assignRole(actor, payload.roomId, payload.userId, payload.role),
})
