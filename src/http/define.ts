import { routeDefiner } from '../kernel/route.ts'
import type { Services } from '../services/index.ts'

/** Declares a REST route; see `RouteDef`. */
export const defineRoute = routeDefiner<Services>()
