import { z } from 'zod'
import { ChatRoom } from '../../models/ChatRoom.ts'
import { rates } from '../../src/kernel/rate.ts'
import { RoomChange } from '../../src/services/chat/inputs.ts'
import { defineEvent } from '../define.ts'
import { roomId } from './fields.ts'

export const update = defineEvent({
  name: 'room:update',
  summary: 'Changes a room, by an owner or moderator',
  scope: 'rooms:write',
  rate: rates.write,
  payload: z.object({ roomId, ...RoomChange.shape }),
  ack: ChatRoom.wire,
  handle: ({ actor, services }, { roomId: id, ...input }) => services.rooms.update(actor, id, input),
})
