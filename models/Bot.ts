import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { scopes } from '../src/kernel/actor.ts'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const BotScope = z.enum(scopes)

export const Bot = defineEntity('Bot', {
  description: 'A program that acts as a user of its own, for its owner',
  /** A token is a log-in: its owner asks for a new one. */
  archive: { instead: { tokenHash: () => randomBytes(32).toString('hex') } },
  collection: 'bots',
  fields: {
    id: f.id(),
    userId: f.ref('User', 'cascade'),
    ownerId: f.ref('User', 'cascade'),
    name: f.name(80),
    scopes: z.array(BotScope).max(scopes.length),
    createdAt: f.time(),
  },
  stored: {
    tokenHash: f.sha256(),
  },
  indexes: [
    { keys: { tokenHash: 1 }, options: { unique: true }, serves: 'the bot of a token' },
    { keys: { userId: 1 }, options: { unique: true }, serves: 'the bot behind a user' },
    { keys: { ownerId: 1, _id: -1 }, serves: 'the bots of an owner' },
  ],
})
export type BotDoc = Stored<typeof Bot>
export type BotWire = Wire<typeof Bot>
