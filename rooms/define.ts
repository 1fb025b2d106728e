import { eventDefiner } from '../src/kernel/event.ts'
import type { Services } from '../src/services/index.ts'

/** Declares a socket event; see `EventDef`. */
export const defineEvent = eventDefiner<Services>()
