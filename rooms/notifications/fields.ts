import { z } from 'zod'
import { f } from '../../src/kernel/fields.ts'

/** Which notifications are meant: some, or all. */
export const Which = z.union([
  z.strictObject({ ids: z.array(f.ref('Notification')).max(1_000) }),
  z.strictObject({ all: z.literal(true) }),
])
/** How many are unread then. */
export const Left = z.object({ unread: z.int() })
