import { z } from 'zod'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'
import { PresenceState, userIds } from './fields.ts'

export const watch = defineEvent({
  name: 'presence:watch',
  summary: 'Where users are now; `presence` tells this connection of each change, for at most 1,000 users in all',
  scope: 'presence:read',
  rate: rates.read,
  payload: z.object({ userIds }),
  ack: z.array(PresenceState),
  handle: ({ actor, services, socket }, payload) => services.presence.watch(actor, socket, payload.userIds),
})
