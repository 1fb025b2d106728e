import { type TellingPayload, telling } from '../services/notifications/bursts.ts'
import { digesting, mailing, type PushJob, pushing } from '../services/notifications/notifications.ts'
import { maxPushAttempts } from '../services/notifications/pushes.ts'
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

export const mailDigest = defineJob<{ userId: string }>({
  ...digesting,
  summary: 'Mails what came together for a user who wants mails, in one',
  leaseMs: 60_000,
  maxAttempts: 6,
  retryMs: 30_000,
  run: (services, { userId }) => services.notificationMails.digest(userId),
})

export const pushNotification = defineJob<PushJob>({
  ...pushing,
  summary: 'Pushes a notification to a browser without an open page',
  leaseMs: 60_000,
  maxAttempts: maxPushAttempts,
  atOnce: 8,
  retryMs: 5_000,
  run: async (services, job, { attempt }) =>
    services.pushes.send(job, await services.notifications.get(job.notificationId), attempt),
})
