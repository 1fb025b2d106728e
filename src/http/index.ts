import type { AnyRoute } from '../kernel/route.ts'
import type { Services } from '../services/index.ts'
import { analysisRoutes } from './analysis.ts'
import { audioTagRoutes } from './audio-tags.ts'
import { authRoutes } from './auth.ts'
import { blockRoutes } from './blocks.ts'
import { bookingRoutes } from './bookings.ts'
import { botRoutes } from './bots.ts'
import { chatRoomRoutes } from './chat-rooms.ts'
import { commentRoutes } from './comments.ts'
import { followRoutes } from './follows.ts'
import { likeRoutes } from './likes.ts'
import { matchRoutes } from './matches.ts'
import { profileRoutes } from './me.ts'
import { messageRoutes } from './messages.ts'
import { notificationRoutes } from './notifications.ts'
import { playlistRoutes } from './playlists.ts'
import { projectRoutes } from './projects.ts'
import { pushRoutes } from './push.ts'
import { roomMessageRoutes } from './room-messages.ts'
import { sessionRoutes } from './sessions.ts'

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
  ...projectRoutes,
  ...likeRoutes,
  ...commentRoutes,
  ...followRoutes,
  ...playlistRoutes,
  ...audioTagRoutes,
  ...bookingRoutes,
  ...analysisRoutes,
  ...matchRoutes,
  ...pushRoutes,
]
