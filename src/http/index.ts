import type { AnyRoute } from '../kernel/route.ts'
import type { Services } from '../services/index.ts'
import { authRoutes } from './auth.ts'
import { botRoutes } from './bots.ts'
import { profileRoutes } from './me.ts'
import { sessionRoutes } from './sessions.ts'

/** All REST routes. */
export const routes: AnyRoute<Services>[] = [...authRoutes, ...profileRoutes, ...sessionRoutes, ...botRoutes]
