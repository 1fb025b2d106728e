import type { NotificationDoc, NotificationType } from '../../../models/Notification.ts'

/** What happened, after the name of one who did it, or of several. */
const said: Record<NotificationType, [one: string, several: string]> = {
  NewMessage: ['wrote to you', 'wrote to you'],
  NewLike: ['likes something of yours', 'like something of yours'],
  NewComment: ['commented on something of yours', 'commented on something of yours'],
  NewFollow: ['follows you', 'follow you'],
  NewMatch: ['is a match for you', 'are matches for you'],
}

/** A notification in one line, such as `Ann and 4 others like something of yours`. */
export function lineOf(
  { type, payload }: Pick<NotificationDoc, 'type' | 'payload'>,
  actor: string | undefined,
): string {
  const name = actor ?? 'Somebody'
  const others = typeof payload['others'] === 'number' ? payload['others'] : 0
  const [one, several] = said[type]
  return others > 0 ? `${name} and ${others} ${others === 1 ? 'other' : 'others'} ${several}` : `${name} ${one}`
}
