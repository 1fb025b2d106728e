import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

const siteRoles = ['user', 'admin'] as const

/**
 * An account: of a person, or of a bot, which is a user of its own. The whole of it is for its owner and for admins;
 * to everybody else a user is their `Profile`: there is no public picture of a User, for the model requires `email`.
 */
export const User = defineEntity('User', {
  description: 'An account; only its owner and admins get to see it, others see the profile',
  collection: 'users',
  fields: {
    id: f.id(),
    email: f.email(),
    /** bcrypt. */
    passwordHash: z.string().max(100).optional(),
    role: z.enum(siteRoles).default('user'),
    isVerified: z.boolean().default(false),
    createdAt: f.time(),
    updatedAt: f.time().nullable().default(null),
  },
  hidden: ['passwordHash'],
  stored: {
    /** The e-mail in lower case: what tells accounts apart. */
    emailKey: z.string().max(254),
    /** Who made the bot, where this is one. */
    botOwnerId: f.ref('User', 'keep').optional(),
    bannedAt: f.time().nullable().default(null),
    /** Since when nothing of the person is left but this row, which messages name as their sender. */
    deletedAt: f.time().optional(),
  },
  indexes: [
    { keys: { emailKey: 1 }, options: { unique: true }, serves: 'logging in; one account an e-mail' },
    { keys: { role: 1, _id: -1 }, serves: 'the admins; whether another one is left' },
  ],
})
export type UserDoc = Stored<typeof User>
export type UserWire = Wire<typeof User>
