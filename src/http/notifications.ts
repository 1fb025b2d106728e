import { z } from 'zod'
import { Notification, notificationTypes } from '../../models/Notification.ts'
import { NotificationChoice, NotificationPreference } from '../../models/NotificationPreference.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { defineRoute } from './define.ts'
import { listOf, listQuery } from './lists.ts'

const tag = 'Notifications'

const list = defineRoute({
  method: 'get',
  path: '/api/v1/notifications',
  tag,
  summary: 'One’s notifications, newest first',
  auth: 'user',
  access: { owner: 'whose news it is', others: 'nothing' },
  rate: rates.read,
  query: listQuery({
    unread: z
      .stringbool({ truthy: ['true'], falsy: ['false'] })
      .optional()
      .describe('Only unread, or only read ones'),
  }),
  status: 200,
  answer: listOf(Notification.wire),
  handle: ({ actor, services }, { query }) => services.notifications.list(actor.userId, query),
})

const read = defineRoute({
  method: 'post',
  path: '/api/v1/notifications/read',
  tag,
  summary: 'Marks notifications as read: some, or all',
  auth: 'user',
  access: { owner: 'whose news it is', others: 'nothing' },
  rate: rates.write,
  body: z.union([
    z.strictObject({ ids: z.array(f.ref('Notification')).max(1_000) }),
    z.strictObject({ all: z.literal(true) }),
  ]),
  example: { all: true },
  status: 200,
  answer: z.object({ unread: z.int() }),
  handle: ({ actor, services }, { body }) => services.notifications.markRead(actor.userId, body),
})

const types = z.object(
  Object.fromEntries(notificationTypes.map((type) => [type, NotificationChoice])) as Record<
    (typeof notificationTypes)[number],
    typeof NotificationChoice
  >,
)
const { mutedRoomIds } = NotificationPreference.spec.fields
const Preferences = z.object({ types, mutedRoomIds: z.array(f.ref('ChatRoom')) })

const preferences = defineRoute({
  method: 'get',
  path: '/api/v1/notifications/preferences',
  tag,
  summary: 'Which news one wants, by which ways, and the rooms muted',
  auth: 'user',
  rate: rates.read,
  status: 200,
  answer: Preferences,
  handle: ({ actor, services }) => services.notifications.preferences.of(actor.userId),
})

const changePreferences = defineRoute({
  method: 'put',
  path: '/api/v1/notifications/preferences',
  tag,
  summary: 'Sets the types given, and the muted rooms where they are given; the rest stays',
  auth: 'user',
  rate: rates.write,
  body: z.strictObject({ types: types.partial().strict().optional(), mutedRoomIds: mutedRoomIds.unwrap().optional() }),
  example: { types: { NewLike: { inApp: true, email: false } }, mutedRoomIds: [] },
  status: 200,
  answer: Preferences,
  handle: ({ actor, services }, { body }) => services.notifications.preferences.change(actor.userId, body),
})

export const notificationRoutes = [list, read, preferences, changePreferences]
