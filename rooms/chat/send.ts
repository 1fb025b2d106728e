import { z } from 'zod'
import { ChatMessage } from '../../models/ChatMessage.ts'
import { rates } from '../../src/kernel/rate.ts'
import { MessageInput } from '../../src/services/chat/inputs.ts'
import { defineEvent } from '../define.ts'
import { clientId, roomId } from './fields.ts'

export const send = defineEvent({
  name: 'room:send',
  summary: 'Sends a message to a room',
  scope: 'rooms:write',
  rate: rates.send,
  payload: z.object({ roomId, clientId, ...MessageInput.shape }),
  ack: ChatMessage.wire,
  handle: ({ actor, services }, { roomId: id, ...input }) => services.messages.send(actor, id, input),
})
