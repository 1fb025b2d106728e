import { Notification, type NotificationDoc } from '../../../models/Notification.ts'
import { Profile } from '../../../models/Profile.ts'
import { User } from '../../../models/User.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Mailer } from '../../kernel/ports.ts'
import type { Notifications } from './notifications.ts'
import { lineOf } from './texts.ts'

/** How many notifications one mail names. */
const maxDigested = 50

/** Mails of notifications, for those who want them. */
export function createNotificationMails(deps: {
  database: Database
  mailer: Mailer
  notifications: Notifications
  publicUrl: string
}) {
  const users = deps.database.collection(User)
  const profiles = deps.database.collection(Profile)
  const stored = deps.database.collection(Notification)

  /** Where a user gets mails; null where there are none to be sent. */
  async function addressOf(userId: string): Promise<string | null> {
    const user = await users.findOne({ _id: userId, bannedAt: null }, { projection: { email: 1 } })
    return user?.email ?? null
  }

  return {
    /** Mails a notification, unless it was read meanwhile. */
    async send(notificationId: string): Promise<void> {
      const notification = await deps.notifications.get(notificationId)
      if (!notification || notification.isRead) return
      const [to, actor] = await Promise.all([
        addressOf(notification.userId),
        profiles.findOne({ userId: String(notification.payload['actorId']) }, { projection: { displayName: 1 } }),
      ])
      if (!to) return
      const subject = lineOf(notification, actor?.displayName)
      await deps.mailer.send({ to, subject, text: `${subject}.\n\n${deps.publicUrl}\n` })
    },

    /** Mails what came together for a user and is still unread, in one; each notification once. */
    async digest(userId: string): Promise<void> {
      const waiting = (await stored
        .find({ userId, isRead: false, mailed: true, digestedAt: { $exists: false }, acts: { $exists: true } } as never)
        .sort({ _id: -1 })
        .limit(maxDigested + 1)
        .toArray()) as unknown as NotificationDoc[]
      if (waiting.length === 0) return
      const to = await addressOf(userId)
      if (to) {
        const named = waiting.slice(0, maxDigested)
        const actorIds = [...new Set(named.map(({ payload }) => String(payload['actorId'])))]
        const found = await profiles
          .find({ userId: { $in: actorIds } }, { projection: { userId: 1, displayName: 1 } })
          .toArray()
        const nameOf = new Map(found.map((profile) => [profile.userId, profile.displayName]))
        const lines = named.map((each) => lineOf(each, nameOf.get(String(each.payload['actorId']))))
        const subject = lines.length === 1 ? lines[0]! : `${lines[0]}, and ${lines.length - 1} more`
        const more = waiting.length > maxDigested ? ['and more'] : []
        await deps.mailer.send({
          to,
          subject,
          text: `${[...lines, ...more].map((line) => `- ${line}`).join('\n')}\n\n${deps.publicUrl}\n`,
        })
      }
      // Those beyond the ones named, too: the mail says that there are more.
      const last = waiting[0]!._id
      await stored.updateMany(
        { userId, isRead: false, mailed: true, digestedAt: { $exists: false }, _id: { $lte: last } } as never,
        [{ $set: { digestedAt: '$$NOW' } }],
      )
    },
  }
}

export type NotificationMails = ReturnType<typeof createNotificationMails>
