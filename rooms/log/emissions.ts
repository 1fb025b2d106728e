import { z } from 'zod'
import { defineEmission } from '../../src/kernel/event.ts'

const position = { rev: z.int(), readSeq: z.int(), unread: z.int() }

export const connectionEmissions = [
  defineEmission({
    name: 'ready',
    summary: 'The socket is welcome: from which rev on it hears of each log',
    payload: z.object({
      userId: z.string(),
      sessionId: z.string(),
      serverTime: z.string(),
      rooms: z.array(z.object({ id: z.string(), name: z.string(), ...position })),
      conversations: z.array(z.object({ userId: z.string(), ...position })),
      unreadNotifications: z.int(),
    }),
  }),
  defineEmission({
    name: 'session:revoked',
    summary: 'The session is over; the socket is disconnected',
    payload: z.object({ sessionId: z.string(), reason: z.string() }),
  }),
  defineEmission({
    name: 'server:draining',
    summary: 'This instance goes down; connect again, to another',
    payload: z.object({ reconnectInMs: z.int() }),
  }),
] as const
