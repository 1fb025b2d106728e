import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'
import { Left, Which } from './fields.ts'

export const read = defineEvent({
  name: 'notification:read',
  summary: 'Marks notifications as read',
  rate: rates.write,
  payload: Which,
  ack: Left,
  handle: ({ actor, services }, which) => services.notifications.markRead(actor.userId, which),
})
