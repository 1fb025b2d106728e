import { z } from 'zod'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'
import { userIds } from './fields.ts'

export const unwatch = defineEvent({
  name: 'presence:unwatch',
  summary: 'Hears of these users’ presence no more',
  scope: 'presence:read',
  rate: rates.read,
  payload: z.object({ userIds }),
  ack: z.null(),
  handle: ({ services, socket }, payload) => {
    services.presence.unwatch(socket, payload.userIds)
    return null
  },
})
