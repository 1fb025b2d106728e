import { notifications } from '../lib/notifications.svelte.ts'
import { talk } from '../lib/talk/talk.svelte.ts'

/** What the navigation shows beside its entries. */
export const news = {
  get rooms() {
    return { count: talk.roomUnread, isHot: true, dot: talk.hasRoomNews }
  },
  get messages() {
    return { count: talk.directUnread, isHot: true }
  },
  get notifications() {
    return { count: notifications.unread, isHot: false }
  },
}
