import { z } from 'zod'
import { Notification } from '../../models/Notification.ts'
import { defineEmission } from '../../src/kernel/event.ts'
import { f } from '../../src/kernel/fields.ts'

export const notificationEmissions = [
  defineEmission({ name: 'notification', summary: 'News for the user', payload: Notification.wire }),
  defineEmission({
    name: 'notification:read',
    summary: 'Notifications were read, on whichever device: these, or all',
    payload: z.object({
      ids: z.array(f.ref('Notification')).optional(),
      all: z.boolean().optional(),
      unread: z.int(),
    }),
  }),
] as const
