import type { NotificationType } from '../../../models/Notification.ts'
import { Profile } from '../../../models/Profile.ts'
import { User } from '../../../models/User.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Mailer } from '../../kernel/ports.ts'
import type { Notifications } from './notifications.ts'

const said: Record<NotificationType, (name: string) => string> = {
  NewMessage: (name) => `${name} wrote to you`,
  NewLike: (name) => `${name} likes something of yours`,
  NewComment: (name) => `${name} commented on something of yours`,
  NewFollow: (name) => `${name} follows you`,
  NewMatch: (name) => `${name} is a match for you`,
}

/** Mails of notifications, for those who want them. */
export function createNotificationMails(deps: {
  database: Database
  mailer: Mailer
  notifications: Notifications
  publicUrl: string
}) {
  const users = deps.database.collection(User)
  const profiles = deps.database.collection(Profile)
  return {
    /** Mails a notification, unless it was read meanwhile. */
    async send(notificationId: string): Promise<void> {
      const notification = await deps.notifications.get(notificationId)
      if (!notification || notification.isRead) return
      const [user, actor] = await Promise.all([
        users.findOne({ _id: notification.userId }, { projection: { email: 1 } }),
        profiles.findOne({ userId: String(notification.payload['actorId']) }, { projection: { displayName: 1 } }),
      ])
      if (!user) return
      const subject = said[notification.type](actor?.displayName ?? 'Somebody')
      await deps.mailer.send({ to: user.email, subject, text: `${subject}.\n\n${deps.publicUrl}\n` })
    },
  }
}

export type NotificationMails = ReturnType<typeof createNotificationMails>
