import type { Boards } from '../boards/boards.ts'
import type { ObjectStorage } from '../kernel/storage.ts'
import type { Log } from '../log/log.ts'
import type { Accounts } from './accounts/accounts.ts'
import type { Closing } from './accounts/closing.ts'
import type { Analyser } from './analysis/analyser.ts'
import type { Analysis } from './analysis/analysis.ts'
import type { AuditLogs } from './audit-logs.ts'
import type { ProjectBoards } from './boards/boards.ts'
import type { Bookings } from './bookings/bookings.ts'
import type { Anchors } from './chat/anchors.ts'
import type { Messages } from './chat/messages.ts'
import type { Rooms } from './chat/rooms.ts'
import type { RoomSignals } from './chat/signals.ts'
import type { Syncing } from './chat/sync.ts'
import type { Deletion } from './deletion.ts'
import type { Direct } from './direct/direct.ts'
import type { Export } from './export.ts'
import type { AudioFiles } from './files/audio-files.ts'
import type { Images } from './files/images.ts'
import type { Uploads } from './files/uploads.ts'
import type { Jobs } from './jobs.ts'
import type { Listening } from './listening/listening.ts'
import type { Matching } from './matching/matching.ts'
import type { SimilarRecordings } from './matching/similar.ts'
import type { MetricTypes } from './metric-types.ts'
import type { Bursts } from './notifications/bursts.ts'
import type { NotificationMails } from './notifications/mails.ts'
import type { Notifications } from './notifications/notifications.ts'
import type { Pushes } from './notifications/pushes.ts'
import type { People } from './people.ts'
import type { Playlists } from './playlists/playlists.ts'
import type { PresenceService } from './presence/presence.ts'
import type { Projects } from './projects/projects.ts'
import type { Reports } from './reports.ts'
import type { PermissionAdmin } from './rights/permissions.ts'
import type { RolePermissions } from './rights/role-permissions.ts'
import type { RoleAdmin } from './rights/roles.ts'
import type { UserRoles } from './rights/user-roles.ts'
import type { AudioTags } from './social/audio-tags.ts'
import type { Comments } from './social/comments.ts'
import type { Follows } from './social/follows.ts'
import type { Likes } from './social/likes.ts'
import type { Matches } from './social/matches.ts'
import type { Tags } from './tags.ts'

/** What routes, socket events and jobs act through. */
export interface Services {
  accounts: Accounts
  people: People
  log: Log
  rooms: Rooms
  messages: Messages
  anchors: Anchors
  signals: RoomSignals
  direct: Direct
  syncing: Syncing
  presence: PresenceService
  notifications: Notifications
  notificationMails: NotificationMails
  bursts: Bursts
  jobs: Jobs
  boards: Boards
  roles: RoleAdmin
  permissions: PermissionAdmin
  rolePermissions: RolePermissions
  userRoles: UserRoles
  auditLogs: AuditLogs
  reports: Reports
  metricTypes: MetricTypes
  tags: Tags
  projects: Projects
  projectBoards: ProjectBoards
  likes: Likes
  comments: Comments
  follows: Follows
  playlists: Playlists
  audioTags: AudioTags
  bookings: Bookings
  analysis: Analysis
  analyser: Analyser
  matches: Matches
  matching: Matching
  similar: SimilarRecordings
  pushes: Pushes
  listening: Listening
  storage: ObjectStorage
  audioFiles: AudioFiles
  uploads: Uploads
  images: Images
  deletion: Deletion
  closing: Closing
  export: Export
}
