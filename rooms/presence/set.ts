import { z } from 'zod'
import { chosenStatuses, maxPresenceText } from '../../models/Presence.ts'
import { f } from '../../src/kernel/fields.ts'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'
import { PresenceState } from './fields.ts'

export const set = defineEvent({
  name: 'presence:set',
  summary: 'How one wants to be seen, on all devices; the text stays where none is given',
  scope: 'presence:read',
  rate: rates.signal,
  payload: z.object({ status: z.enum(chosenStatuses), text: f.text(0, maxPresenceText).optional() }),
  ack: PresenceState,
  handle: ({ actor, services }, { status, text }) => services.presence.set(actor, status, text),
})
