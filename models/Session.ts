import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

/** Seconds for which an expired session is still told from one that never was. */
const keptAfterExpiry = 7 * 24 * 3600

export const Session = defineEntity('Session', {
  description: 'A log-in of a user on a device, or a bot’s standing permission',
  archive: { leftOut: 'log-ins are of the instance that they were made on' },
  collection: 'sessions',
  closed: true,
  fields: {
    id: f.id(),
    userId: f.ref('User', 'keep'),
    ipAddress: z.ipv4().optional(),
    userAgent: f.text(0, 512).optional(),
    createdAt: f.time(),
    lastActiveAt: f.time(),
  },
  stored: {
    /** Of the refresh token that is good now; former ones carry our seal, which tells them. A bot's session has none. */
    refreshHash: f.sha256().optional(),
    /** When its refresh token was last changed for another. */
    refreshedAt: f.time().optional(),
    /** How often another one was made for the same former token, because the answer with it seems to be lost. */
    refreshTurn: z.int().min(0).optional(),
    /** null: it ends with its revocation alone, as a bot's does. */
    expiresAt: f.time().nullable().default(null),
    revokedAt: f.time().nullable().default(null),
    botId: f.ref('Bot', 'keep').optional(),
  },
  indexes: [
    { keys: { userId: 1, revokedAt: 1 }, serves: 'the live sessions of a user' },
    { keys: { revokedAt: 1 }, serves: 'what was revoked since an instance last asked' },
    { keys: { botId: 1 }, options: { sparse: true }, serves: 'revoking a bot' },
    {
      keys: { expiresAt: 1 },
      options: { expireAfterSeconds: keptAfterExpiry },
      serves: 'forgetting old sessions; what expired lately',
    },
  ],
})
export type SessionDoc = Stored<typeof Session>
export type SessionWire = Wire<typeof Session>
