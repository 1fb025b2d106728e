import { z } from 'zod'
import { ChatRoom } from '../../models/ChatRoom.ts'
import { rates } from '../../src/kernel/rate.ts'
import { Invited } from '../../src/services/chat/inputs.ts'
import { defineEvent } from '../define.ts'
import { roomId } from './fields.ts'

export const invite = defineEvent({
  name: 'room:invite',
  summary: 'Brings people into a room, by an owner or moderator',
  scope: 'rooms:write',
  rate: rates.write,
  payload: z.object({ roomId, userIds: Invited }),
  ack: ChatRoom.wire,
  handle: ({ actor, services }, payload) => services.rooms.invite(actor, payload.roomId, payload.userIds),
})
