import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const notificationTypes = ['NewLike', 'NewComment', 'NewFollow', 'NewMessage', 'NewMatch'] as const
export const NotificationType = z.enum(notificationTypes)
export type NotificationType = z.infer<typeof NotificationType>

/** How many acts one notification tells of. */
export const maxActs = 500

export const Notification = defineEntity('Notification', {
  description: 'News for a user; its payload holds actorId and the ids needed to open the thing',
  collection: 'notifications',
  fields: {
    id: f.id(),
    userId: f.ref('User', 'cascade'),
    type: NotificationType,
    payload: f.json().default({}),
    isRead: z.boolean().default(false),
    createdAt: f.time(),
    readAt: f.time().nullable().default(null),
  },
  stored: {
    /** What it is news of, such as the type, actor and target: a burst of the same makes one. */
    dedupeKey: z.string().min(1).max(200),
    /** Set where the same news is told once for ever, read or not. */
    onceKey: z.string().min(1).max(200).optional(),
    /** Of one that tells of several acts: their keys, each told once for ever, and who acted, the latest first. */
    acts: z.array(z.string().min(1).max(200)).max(maxActs).optional(),
    actorIds: z.array(f.ref('User', 'keep')).max(maxActs).optional(),
    /** The room or conversation that it leads to: reading on there reads it. */
    about: z.string().max(100).optional(),
    /** For those who want e-mail alone: kept so that the same news is mailed once, and not shown. */
    mailOnly: z.boolean().optional(),
    mailed: z.boolean().optional(),
    /** When it went out in a mail that collects several. */
    digestedAt: f.time().optional(),
  },
  indexes: [
    { keys: { userId: 1, _id: -1 }, serves: 'the notifications of a user, newest first' },
    {
      keys: { userId: 1, dedupeKey: 1 },
      options: { unique: true, partialFilterExpression: { isRead: false } },
      serves: 'one unread notification of the same news',
    },
    {
      keys: { userId: 1, onceKey: 1 },
      options: { unique: true, partialFilterExpression: { onceKey: { $exists: true } } },
      serves: 'telling news once for ever',
    },
    {
      keys: { userId: 1, acts: 1 },
      options: { unique: true, partialFilterExpression: { acts: { $gt: '' } } },
      serves: 'telling of an act once for ever, whichever notification told of it',
    },
    {
      keys: { dedupeKey: 1, isRead: 1, userId: 1 },
      options: { partialFilterExpression: { isRead: false } },
      serves: 'who has unread news of a room already',
    },
    {
      keys: { userId: 1, about: 1 },
      options: { partialFilterExpression: { isRead: false } },
      serves: 'what reading on in a room reads',
    },
    {
      keys: { userId: 1, isRead: 1, _id: -1 },
      options: { partialFilterExpression: { isRead: false } },
      serves: 'the unread ones of a user, and their number',
    },
  ],
})
export type NotificationDoc = Stored<typeof Notification>
export type NotificationWire = Wire<typeof Notification>
