import type { Boards } from '../boards/boards.ts'
import type { Log } from '../log/log.ts'
import type { Accounts } from './accounts/accounts.ts'
import type { Analysis } from './analysis/analysis.ts'
import type { Bookings } from './bookings/bookings.ts'
import type { Messages } from './chat/messages.ts'
import type { Rooms } from './chat/rooms.ts'
import type { RoomSignals } from './chat/signals.ts'
import type { Syncing } from './chat/sync.ts'
import type { Direct } from './direct/direct.ts'
import type { Jobs } from './jobs.ts'
import type { Bursts } from './notifications/bursts.ts'
import type { NotificationMails } from './notifications/mails.ts'
import type { Notifications } from './notifications/notifications.ts'
import type { Pushes } from './notifications/pushes.ts'
import type { People } from './people.ts'
import type { Playlists } from './playlists/playlists.ts'
import type { PresenceService } from './presence/presence.ts'
import type { Projects } from './projects/projects.ts'
import type { AudioTags } from './social/audio-tags.ts'
import type { Comments } from './social/comments.ts'
import type { Follows } from './social/follows.ts'
import type { Likes } from './social/likes.ts'
import type { Matches } from './social/matches.ts'

/** What routes, socket events and jobs act through. */
export interface Services {
  accounts: Accounts
  people: People
  log: Log
  rooms: Rooms
  messages: Messages
  signals: RoomSignals
  direct: Direct
  syncing: Syncing
  presence: PresenceService
  notifications: Notifications
  notificationMails: NotificationMails
  bursts: Bursts
  jobs: Jobs
  boards: Boards
  projects: Projects
  likes: Likes
  comments: Comments
  follows: Follows
  playlists: Playlists
  audioTags: AudioTags
  bookings: Bookings
  analysis: Analysis
  matches: Matches
  pushes: Pushes
}
