import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

/** What a mailed link carries: proves the hand over an e-mail address, once. */
export const AuthToken = defineEntity('AuthToken', {
  description: 'A mailed token that verifies an address or resets a password',
  archive: { leftOut: 'mailed links lead to the instance that sent them' },
  collection: 'authtokens',
  fields: {
    id: f.id(),
    userId: f.ref('User', 'cascade'),
    purpose: z.enum(['verify', 'reset']),
    expiresAt: f.time(),
    usedAt: f.time().nullable().default(null),
  },
  stored: {
    tokenHash: f.sha256(),
  },
  indexes: [
    { keys: { tokenHash: 1 }, options: { unique: true }, serves: 'what a mailed token stands for' },
    { keys: { userId: 1, purpose: 1 }, serves: 'making the earlier ones of a user worthless' },
    { keys: { expiresAt: 1 }, options: { expireAfterSeconds: 0 }, serves: 'forgetting expired ones' },
  ],
})
export type AuthTokenDoc = Stored<typeof AuthToken>
