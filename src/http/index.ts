import type { AnyRoute } from '../kernel/route.ts'
import type { Services } from '../services/index.ts'
import { audioFileRoutes } from './audio-files.ts'
import { authRoutes } from './auth.ts'
import { blockRoutes } from './blocks.ts'
import { botRoutes } from './bots.ts'
import { chatRoomRoutes } from './chat-rooms.ts'
import { closingRoutes } from './closing.ts'
import { imageRoutes } from './images.ts'
import { profileRoutes } from './me.ts'
import { messageRoutes } from './messages.ts'
import { notificationRoutes } from './notifications.ts'
import { roomMessageRoutes } from './room-messages.ts'
import { sessionRoutes } from './sessions.ts'
import { uploadRoutes } from './uploads.ts'

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
  ...audioFileRoutes,
  ...uploadRoutes,
  ...imageRoutes,
  ...closingRoutes,
]
