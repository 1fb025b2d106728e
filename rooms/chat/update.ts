import { z } from 'zod'
import { ChatRoom } from '../../models/ChatRoom.ts'
import { f as field } from '../../src/kernel/fields.ts'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'
import { roomId } from './fields.ts'

export const update = defineEvent({
  name: 'room:update',
  summary: 'Changes a room, by an owner or moderator',
  scope: 'rooms:write',
  rate: rates.write,
  payload: z.object({
    roomId,
    name: field.name(100).optional(),
    topic: field.text(0, 500).optional(),
    visibility: z.enum(['public', 'private']).optional(),
    slowModeSeconds: z.int().min(0).max(21_600).optional(),
  }),
  ack: ChatRoom.wire,
  handle: ({ actor, services }, { roomId: id, ...input }) => services.rooms.update(actor, id, input),
})
