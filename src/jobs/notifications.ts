import { type TellingPayload, telling } from '../services/notifications/bursts.ts'
import { mailing } from '../services/notifications/notifications.ts'
import { defineJob } from './define.ts'

export const tellBurst = defineJob<TellingPayload>({
  ...telling,
  summary: 'Tells of new messages whose process died before it could, and of mentions that an edit added',
  leaseMs: 30_000,
  maxAttempts: 10,
  atOnce: 4,
  run: (services, payload) => services.bursts.tell(payload),
})

export const mailNotification = defineJob<{ notificationId: string }>({
  ...mailing,
  summary: 'Mails a notification to one who wants that',
  leaseMs: 60_000,
  maxAttempts: 6,
  retryMs: 30_000,
  run: (services, { notificationId }) => services.notificationMails.send(notificationId),
})
