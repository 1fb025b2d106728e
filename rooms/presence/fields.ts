import { z } from 'zod'
import { chosenStatuses } from '../../models/Presence.ts'
import { f } from '../../src/kernel/fields.ts'

/** A user's presence as the asker may see it. */
export const PresenceState = z.object({
  userId: f.ref('User'),
  status: z.enum([...chosenStatuses, 'offline']),
  text: z.string(),
  lastActiveAt: z.string().nullable(),
})
export const userIds = z.array(f.ref('User')).max(1_000)
