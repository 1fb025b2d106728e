import { z } from 'zod'
import { Message } from '../../models/Message.ts'
import { defineEmission } from '../../src/kernel/event.ts'
import { change } from '../chat/emissions.ts'
import { userId } from '../chat/fields.ts'

const message = z.intersection(Message.wire, z.object(change))

export const directEmissions = [
  defineEmission({ name: 'dm:message', summary: 'A new direct message', payload: message }),
  defineEmission({ name: 'dm:message:edited', summary: 'A direct message has another text', payload: message }),
  defineEmission({
    name: 'dm:message:deleted',
    summary: 'A direct message is gone; its place stays',
    payload: message,
  }),
  defineEmission({ name: 'dm:message:reacted', summary: 'A direct message has other reactions', payload: message }),
  defineEmission({
    name: 'dm:read',
    summary: 'userId has read the conversation with peerId up to a message',
    payload: z.object({ userId, peerId: userId, seq: z.int(), readAt: z.string() }),
  }),
  defineEmission({
    name: 'dm:typing',
    summary: 'The other types, or no more',
    payload: z.object({ userId, on: z.boolean() }),
  }),
] as const
