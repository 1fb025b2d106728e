import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'
import type { NotificationType } from './Notification.ts'

/** By which ways news of a type reaches the user. */
export const NotificationChoice = z.object({ inApp: z.boolean(), email: z.boolean() })
export type NotificationChoice = z.infer<typeof NotificationChoice>

const choice = () => NotificationChoice.optional()

export const NotificationPreference = defineEntity('NotificationPreference', {
  description: 'Which news a user wants, and how',
  collection: 'notificationpreferences',
  fields: {
    id: f.id(),
    userId: f.ref('User', 'cascade'),
    /** A type that is not there is as the service sets it by default. The keys are the types of Notification. */
    types: z
      .object({
        NewLike: choice(),
        NewComment: choice(),
        NewFollow: choice(),
        NewMessage: choice(),
        NewMatch: choice(),
      } satisfies Record<NotificationType, unknown>)
      .default({}),
    mutedRoomIds: z.array(f.ref('ChatRoom', 'null')).max(1_000).default([]),
  },
  indexes: [
    { keys: { userId: 1 }, options: { unique: true }, serves: 'the preferences of a user; one each' },
    { keys: { mutedRoomIds: 1 }, serves: 'taking a deleted room out of them' },
  ],
})
export type NotificationPreferenceDoc = Stored<typeof NotificationPreference>
export type NotificationPreferenceWire = Wire<typeof NotificationPreference>
