import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

/**
 * Bytes that no record points to: not yet, while they are written, or not any more. Whoever finds the claim of a dead
 * writer removes the bytes; so a crash leaves nothing behind, however it comes.
 */
export const StorageClaim = defineEntity('StorageClaim', {
  description: 'Bytes in the storage that no record points to',
  archive: { leftOut: 'it is about bytes of this storage that no record points to' },
  collection: 'storageclaims',
  fields: {
    id: f.id(),
    /** The object's key; with a slash at its end, all that begin so. */
    key: z.string().max(200),
    purpose: z.enum(['write', 'remove']),
    userId: f.ref('User', 'keep').optional(),
    /** How much room is kept for it, counted against the user's share. */
    bytes: z.int().min(0).default(0),
    /** The process that writes: its machine, number and start. */
    host: z.string().max(255),
    pid: z.int(),
    run: z.string(),
    /** By MongoDB's clock; kept up to date while it is written. */
    touchedAt: f.time(),
  },
  indexes: [
    { keys: { touchedAt: 1 }, serves: 'claims of the dead' },
    { keys: { userId: 1 }, serves: 'the room that is kept for a user' },
  ],
})
export type StorageClaimDoc = Stored<typeof StorageClaim>
