import { z } from 'zod'
import { ChatRoom } from '../../models/ChatRoom.ts'
import { f as field } from '../../src/kernel/fields.ts'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'
import { userId } from './fields.ts'

export const create = defineEvent({
  name: 'room:create',
  summary: 'Makes a room, with its maker as owner',
  scope: 'rooms:write',
  rate: rates.write,
  payload: z.object({
    name: field.name(100),
    visibility: z.enum(['public', 'private']).default('private'),
    topic: field.text(0, 500).optional(),
    memberIds: z.array(userId).max(1_000).optional(),
  }),
  ack: ChatRoom.wire,
  handle: ({ actor, services }, input) => services.rooms.create(actor, input),
})
