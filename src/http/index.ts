import type { AnyRoute } from '../kernel/route.ts'
import type { Services } from '../services/index.ts'
import { analysisRoutes } from './analysis.ts'
import { audioFileRoutes } from './audio-files.ts'
import { audioTagRoutes } from './audio-tags.ts'
import { auditLogRoutes } from './audit-logs.ts'
import { authRoutes } from './auth.ts'
import { blockRoutes } from './blocks.ts'
import { boardRoutes } from './boards.ts'
import { bookingRoutes } from './bookings.ts'
import { botRoutes } from './bots.ts'
import { chatRoomRoutes } from './chat-rooms.ts'
import { closingRoutes } from './closing.ts'
import { commentRoutes } from './comments.ts'
import { followRoutes } from './follows.ts'
import { imageRoutes } from './images.ts'
import { likeRoutes } from './likes.ts'
import { matchRoutes } from './matches.ts'
import { profileRoutes } from './me.ts'
import { messageRoutes } from './messages.ts'
import { metricTypeRoutes } from './metric-types.ts'
import { notificationRoutes } from './notifications.ts'
import { permissionRoutes } from './permissions.ts'
import { playlistRoutes } from './playlists.ts'
import { projectRoutes } from './projects.ts'
import { pushRoutes } from './push.ts'
import { reportRoutes } from './reports.ts'
import { rolePermissionRoutes } from './role-permissions.ts'
import { roleRoutes } from './roles.ts'
import { roomMessageRoutes } from './room-messages.ts'
import { sessionRoutes } from './sessions.ts'
import { tagRoutes } from './tags.ts'
import { uploadRoutes } from './uploads.ts'
import { userRoleRoutes } from './user-roles.ts'
import { userRoutes } from './users.ts'

/** All REST routes. */
export const routes: AnyRoute<Services>[] = [
  ...authRoutes,
  ...profileRoutes,
  ...sessionRoutes,
  ...botRoutes,
  ...chatRoomRoutes,
  ...roomMessageRoutes,
  ...messageRoutes,
  ...blockRoutes,
  ...notificationRoutes,
  ...userRoutes,
  ...roleRoutes,
  ...permissionRoutes,
  ...rolePermissionRoutes,
  ...userRoleRoutes,
  ...auditLogRoutes,
  ...reportRoutes,
  ...tagRoutes,
  ...metricTypeRoutes,
  ...projectRoutes,
  ...boardRoutes,
  ...likeRoutes,
  ...commentRoutes,
  ...followRoutes,
  ...playlistRoutes,
  ...audioTagRoutes,
  ...bookingRoutes,
  ...analysisRoutes,
  ...matchRoutes,
  ...pushRoutes,
  ...audioFileRoutes,
  ...uploadRoutes,
  ...imageRoutes,
  ...closingRoutes,
]
