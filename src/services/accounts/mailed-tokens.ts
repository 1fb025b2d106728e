import type { mongo } from 'mongoose'
import { AuthToken } from '../../../models/AuthToken.ts'
import type { Database } from '../../infra/mongo.ts'
import { AppError } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import { randomSecret, sha256 } from './tokens.ts'

/** What mailed tokens are for, and how long they live, in hours. */
const hours = { verify: 24, reset: 1 } as const
type Purpose = keyof typeof hours

export interface MailedTokens {
  /** Makes a token; earlier ones of the user for the same purpose become worthless. */
  make(userId: string, purpose: Purpose): Promise<string>
  /** Uses a token up, and tells whose it was. Throws `invalid` for one that is unknown, used or expired. */
  use(token: string, purpose: Purpose, transaction: mongo.ClientSession): Promise<string>
  /** Makes a user's tokens for a purpose worthless. */
  void(userId: string, purpose: Purpose, transaction?: mongo.ClientSession): Promise<void>
}

export function createMailedTokens(database: Database): MailedTokens {
  const tokens = database.collection(AuthToken)
  const self: MailedTokens = {
    async make(userId, purpose) {
      await self.void(userId, purpose)
      const token = randomSecret()
      await tokens.insertOne({
        _id: newId(),
        userId,
        purpose,
        expiresAt: new Date(Date.now() + hours[purpose] * 3600_000),
        usedAt: null,
        tokenHash: sha256(token),
      })
      return token
    },
    async use(token, purpose, transaction) {
      const used = await tokens.findOneAndUpdate(
        { tokenHash: sha256(token), purpose, usedAt: null, expiresAt: { $gt: new Date() } },
        { $set: { usedAt: new Date() } },
        { session: transaction },
      )
      if (!used) {
        const message = 'is unknown, used or expired; ask for a new one'
        throw new AppError('invalid', `The token ${message}`, { details: [{ path: 'token', message }] })
      }
      return used.userId
    },
    async void(userId, purpose, transaction) {
      await tokens.deleteMany({ userId, purpose }, { session: transaction })
    },
  }
  return self
}
