import AudioLines from '@lucide/svelte/icons/audio-lines'
import Bell from '@lucide/svelte/icons/bell'
import Hash from '@lucide/svelte/icons/hash'
import MessageCircle from '@lucide/svelte/icons/message-circle'
import Kanban from '@lucide/svelte/icons/square-kanban'
import Users from '@lucide/svelte/icons/users'
import type { Component } from 'svelte'
import type { Texts } from '../lib/i18n/en/texts.ts'
import type { Page } from '../lib/router.svelte.ts'
import { news } from './news.svelte.ts'

/** All pages; the first that fits the path is shown. Each comes in a file of its own when it is first wanted. */
export const pages: Page[] = [
  { path: '/login', for: 'out', load: () => import('./auth/SignIn.svelte') },
  { path: '/signup', for: 'out', load: () => import('./auth/SignUp.svelte') },
  { path: '/forgot', for: 'all', load: () => import('./auth/Forgot.svelte') },
  { path: '/reset', for: 'all', load: () => import('./auth/Reset.svelte') },
  { path: '/verify', for: 'all', load: () => import('./auth/Verify.svelte') },
  { path: '/welcome', load: () => import('./welcome/Welcome.svelte') },
  { path: '/discover', load: () => import('./rooms/Discover.svelte'), isDeep: () => true },
  {
    path: '/rooms/:roomId?/:seq?',
    load: () => import('./rooms/Rooms.svelte'),
    isDeep: ({ roomId }) => Boolean(roomId),
  },
  {
    path: '/messages/:userId?/:seq?',
    load: () => import('./messages/Messages.svelte'),
    isDeep: ({ userId }) => Boolean(userId),
  },
  { path: '/sound', load: () => import('./sound/Sound.svelte') },
  { path: '/sound/:audioFileId', load: () => import('./sound/Recording.svelte') },
  { path: '/playlists/:playlistId', load: () => import('./sound/PlaylistView.svelte') },
  { path: '/boards', load: () => import('./boards/Projects.svelte') },
  { path: '/boards/:projectId/:cardId?', load: () => import('./boards/BoardPage.svelte'), isDeep: () => true },
  { path: '/bookings/:bookingId?', load: () => import('./bookings/Bookings.svelte') },
  { path: '/people', load: () => import('./people/People.svelte') },
  { path: '/people/:userId', load: () => import('./people/Person.svelte'), isDeep: () => true },
  { path: '/admin/:section?', load: () => import('./admin/Admin.svelte'), isDeep: ({ section }) => Boolean(section) },
  { path: '/notifications', load: () => import('./notifications/Notifications.svelte') },
  {
    path: '/settings/:section?',
    load: () => import('./settings/Settings.svelte'),
    isDeep: ({ section }) => Boolean(section),
  },
]

export interface NavEntry {
  path: string
  label: (texts: Texts) => string
  icon: Component<any>
  /** A number to show beside it, or whether there is something new. */
  news?: () => { count?: number; isHot?: boolean; dot?: boolean }
}

/** The main navigation, in this order: Rooms, Messages, Boards, Sound, People; then what is always last. */
export const nav: NavEntry[] = [
  { path: '/rooms', label: ({ nav }) => nav.rooms, icon: Hash, news: () => news.rooms },
  { path: '/messages', label: ({ nav }) => nav.messages, icon: MessageCircle, news: () => news.messages },
  { path: '/boards', label: ({ nav }) => nav.boards, icon: Kanban },
  { path: '/sound', label: ({ nav }) => nav.sound, icon: AudioLines },
  { path: '/people', label: ({ nav }) => nav.people, icon: Users },
  { path: '/notifications', label: ({ nav }) => nav.notifications, icon: Bell, news: () => news.notifications },
]
