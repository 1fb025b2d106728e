import type { Notification } from '../../client/protocol.ts'
import { api, type Page, query } from './api.ts'
import { t } from './i18n/i18n.svelte.ts'
import { people } from './people/people.svelte.ts'
import { presence } from './people/presence.svelte.ts'
import { router } from './router.svelte.ts'
import { session } from './session.svelte.ts'
import { settings } from './settings.svelte.ts'
import { talk } from './talk/talk.svelte.ts'

const most = 500

/** The news of the user, newest first. */
class Notifications {
  list = $state.raw<Notification[]>([])
  unread = $state(0)
  nextCursor = $state<string | null>(null)
  isLoaded = $state(false)

  /** Loads the first page, or with `more` the next one. */
  async load({ more = false, unread }: { more?: boolean; unread?: boolean } = {}): Promise<void> {
    const cursor = more ? this.nextCursor : undefined
    const path = `/notifications${query({ limit: 50, cursor, unread: unread ? true : undefined })}`
    const page = await api<Page<Notification>>('GET', path)
    const before = more ? this.list : []
    const ids = new Set(before.map(({ id }) => id))
    this.list = [...before, ...page.items.filter(({ id }) => !ids.has(id))].slice(0, most)
    this.nextCursor = this.list.length < most ? page.nextCursor : null
    this.isLoaded = true
  }

  async read(ids: string[] | 'all'): Promise<void> {
    const { unread } = await session.client.request('notification:read', ids === 'all' ? { all: true } : { ids })
    this.markRead(ids === 'all' ? undefined : ids)
    this.unread = unread
  }

  markRead(ids?: string[]): void {
    const readAt = new Date().toISOString()
    this.list = this.list.map((each) =>
      !each.isRead && (!ids || ids.includes(each.id)) ? { ...each, isRead: true, readAt } : each,
    )
  }

  take(notification: Notification): void {
    const known = this.list.find(({ id }) => id === notification.id)
    this.list = [notification, ...this.list.filter(({ id }) => id !== notification.id)].slice(0, most)
    if (!notification.isRead && (!known || known.isRead)) this.unread += 1
    this.#show(notification)
  }

  clear(): void {
    this.list = []
    this.unread = 0
    this.nextCursor = null
    this.isLoaded = false
  }

  /** In the browser's own way, where that is wanted and nobody looks at the page. */
  #show(notification: Notification): void {
    if (!settings.browserNotifications || !('Notification' in window) || window.Notification.permission !== 'granted')
      return
    if (document.hasFocus() || presence.status(session.userId) === 'dnd') return
    // The name may have to be fetched first.
    setTimeout(() => {
      const shown = new window.Notification(textOf(notification), { tag: notification.id, icon: '/favicon.svg' })
      shown.onclick = () => {
        window.focus()
        router.go(placeOf(notification))
        shown.close()
      }
    }, 400)
    people.get(String(notification.payload?.['actorId'] ?? ''))
  }
}

export const notifications = new Notifications()

/** What a notification says. */
export function textOf({ type, payload = {} }: Notification): string {
  const texts = t().notifications
  const actorId = typeof payload['actorId'] === 'string' ? payload['actorId'] : ''
  const name = actorId ? people.name(actorId) : t().common.somebody
  if (type !== 'NewMessage') return texts[type](name)
  const roomId = payload['roomId']
  if (typeof roomId !== 'string') return texts.direct(name)
  const room = talk.rooms.get(roomId)
  const place = room ? `#${room.name}` : texts.aRoom
  return payload['mention'] ? texts.mention(name, place) : texts.message(name, place)
}

/** Where a notification leads. */
export function placeOf({ type, payload = {} }: Notification): string {
  const id = (name: string) => (typeof payload[name] === 'string' ? (payload[name] as string) : undefined)
  const seq = typeof payload['seq'] === 'number' ? `/${payload['seq']}` : ''
  if (type === 'NewMessage' && id('roomId')) return `/rooms/${id('roomId')}${seq}`
  if (type === 'NewMessage') return `/messages/${id('userId') ?? id('actorId')}${seq}`
  const audioFileId = id('audioFileId') ?? (payload['targetType'] === 'AudioFile' ? id('targetId') : undefined)
  if (audioFileId) return `/sound/${audioFileId}`
  if (id('projectId')) return `/boards/${id('projectId')}`
  return `/people/${id('actorId') ?? ''}`
}

session.with((client, userId) => {
  // A subscription to pushes ends with its log-in: where this browser has one, it goes on with the new.
  if (localStorage.getItem('pp:push') === userId) {
    import('./push.svelte.ts')
      .then(({ push }) => push.look())
      .catch((error) => console.warn('Pushes could not be turned on again', error))
  }
  const ends = [
    client.on('ready', ({ unreadNotifications }) => {
      // News came while we were away: the list is read anew where it is shown.
      if (notifications.isLoaded && unreadNotifications !== notifications.unread) {
        notifications.load().catch((error) => console.debug('News could not be read', error))
      }
      notifications.unread = unreadNotifications
    }),
    client.on('notification', (each) => notifications.take(each)),
    client.on('notification:read', ({ ids, all, unread }) => {
      notifications.markRead(all ? undefined : ids)
      if (unread !== undefined) notifications.unread = unread
    }),
  ]
  return () => {
    for (const end of ends) end()
    notifications.clear()
  }
})
