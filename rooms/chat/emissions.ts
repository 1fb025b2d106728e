import { z } from 'zod'
import { ChatMessage } from '../../models/ChatMessage.ts'
import { ChatRoom, RoomRole } from '../../models/ChatRoom.ts'
import { defineEmission } from '../../src/kernel/event.ts'
import { roomId, userId } from './fields.ts'

/** What each change of a log carries beside its own: its number, and the one before as this client was given it. */
export const change = { rev: z.int(), prevRev: z.int() }
const message = z.intersection(ChatMessage.wire, z.object(change))

export const chatEmissions = [
  defineEmission({ name: 'room:joined', summary: 'One is in a room from now on', payload: ChatRoom.wire }),
  defineEmission({
    name: 'room:left',
    summary: 'One is in a room no more',
    payload: z.object({ roomId, rev: z.int(), change: z.enum(['left', 'removed']) }),
  }),
  defineEmission({
    name: 'room:member',
    summary: 'A member came, went, or has another role',
    payload: z.object({
      roomId,
      userId,
      change: z.enum(['joined', 'left', 'removed', 'role']),
      role: RoomRole.optional(),
      by: userId,
      ...change,
    }),
  }),
  defineEmission({
    name: 'room:updated',
    summary: 'A room was changed',
    payload: z.object({
      roomId,
      name: z.string(),
      topic: z.string(),
      visibility: z.enum(['public', 'private']),
      slowModeSeconds: z.int(),
      updatedAt: z.string(),
      by: userId,
      ...change,
    }),
  }),
  defineEmission({ name: 'room:message', summary: 'A new message', payload: message }),
  defineEmission({ name: 'room:message:edited', summary: 'A message has another text', payload: message }),
  defineEmission({ name: 'room:message:deleted', summary: 'A message is gone; its place stays', payload: message }),
  defineEmission({ name: 'room:message:reacted', summary: 'A message has other reactions', payload: message }),
  defineEmission({ name: 'room:message:pinned', summary: 'A message was pinned or unpinned', payload: message }),
  defineEmission({
    name: 'room:read',
    summary: 'A member has read up to a message',
    payload: z.object({ roomId, userId, seq: z.int() }),
  }),
  defineEmission({
    name: 'room:typing',
    summary: 'A member types, or no more',
    payload: z.object({ roomId, userId, on: z.boolean() }),
  }),
] as const
