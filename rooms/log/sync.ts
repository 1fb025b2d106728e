import { z } from 'zod'
import { f as field } from '../../src/kernel/fields.ts'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'

const LogAnswer = z.object({
  roomId: z.string().optional(),
  userId: z.string().optional(),
  changes: z.array(z.object({ event: z.string(), payload: z.looseObject({}) })).optional(),
  rev: z.int().optional(),
  more: z.boolean().optional(),
  error: z.object({ code: z.string() }).optional(),
})

export const sync = defineEvent({
  name: 'log:sync',
  summary: 'Brings logs up to date from the last rev that the client saw of each',
  scope: 'any',
  rate: rates.read,
  payload: z.object({
    logs: z
      .array(
        z
          .object({
            roomId: field.ref('ChatRoom').optional(),
            userId: field.ref('User').optional(),
            rev: z.int().min(0),
          })
          .refine((log) => (log.roomId === undefined) !== (log.userId === undefined), 'name a roomId or a userId'),
      )
      .max(500),
    limit: z.int().min(1).max(500).default(200),
  }),
  ack: z.object({ logs: z.array(LogAnswer) }),
  handle: async ({ actor, services }, { logs, limit }) => ({ logs: await services.syncing.sync(actor, logs, limit) }),
})
