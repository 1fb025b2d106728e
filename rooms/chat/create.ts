import { ChatRoom } from '../../models/ChatRoom.ts'
import { rates } from '../../src/kernel/rate.ts'
import { RoomInput } from '../../src/services/chat/inputs.ts'
import { defineEvent } from '../define.ts'

export const create = defineEvent({
  name: 'room:create',
  summary: 'Makes a room, with its maker as owner',
  scope: 'rooms:write',
  rate: rates.write,
  payload: RoomInput,
  ack: ChatRoom.wire,
  handle: ({ actor, services }, input) => services.rooms.create(actor, input),
})
