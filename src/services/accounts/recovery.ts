import { User } from '../../../models/User.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { AppError, invalid } from '../../kernel/errors.ts'
import type { Logger, Mailer } from '../../kernel/ports.ts'
import { type RateLimiter, rates } from '../../kernel/rate.ts'
import type { Audit } from './audit.ts'
import type { Background } from './background.ts'
import { createMailedTokens } from './mailed-tokens.ts'
import type { Passwords } from './passwords.ts'
import type { Origin, Sessions } from './sessions.ts'

export interface Recovery {
  /** Mails a link that verifies a user's address, after the answer. */
  sendVerification(userId: string): void
  /** Throws `invalid` for a token that is not good. */
  verifyEmail(token: string, origin: Origin): Promise<void>
  /** Mails a link that resets the password, where there is such an account; answers before it knows. */
  forgotPassword(email: string): void
  /** Sets a new password and revokes all sessions. Throws `invalid` for a token that is not good. */
  resetPassword(token: string, password: string, origin: Origin): Promise<void>
  /** Sets a new password and revokes the user's other sessions. Throws `invalid` where the current one is wrong. */
  changePassword(actor: Actor, currentPassword: string, newPassword: string, origin: Origin): Promise<void>
  /** Throws `invalid` where it is not the user's password, `rate_limited` after ten guesses. */
  confirmPassword(userId: string, password: string): Promise<void>
}

export interface RecoveryDeps {
  database: Database
  sessions: Sessions
  passwords: Passwords
  audit: Audit
  background: Background
  mailer: Mailer
  limiter: RateLimiter
  log: Logger
  publicUrl: string
}

/** Mails to one address: enough for a person who tries again, too few to flood a mailbox. */
const mails = { points: 5, seconds: 3600 }

export function createRecovery(deps: RecoveryDeps): Recovery {
  const { database, sessions, passwords, audit, background, mailer, limiter, log, publicUrl } = deps
  const users = database.collection(User)
  const mailed = createMailedTokens(database)

  /** Whether another mail may go to an address; too many are dropped unseen, for the answer must not tell. */
  async function mayMail(purpose: string, address: string) {
    try {
      await limiter.consume(`mail ${purpose}`, mails, address)
      return true
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'rate_limited') throw error
      log.info({ purpose }, 'Mail dropped: too many to one address')
      return false
    }
  }

  async function confirm(userId: string, password: string, path: string) {
    await limiter.consume('password change', rates.guess, userId)
    const user = await users.findOne({ _id: userId }, { projection: { passwordHash: 1 } })
    if (!(await passwords.verify(password, user?.passwordHash))) throw invalid('is not the current password', path)
    await limiter.forgive('password change', rates.guess, userId)
    return user
  }

  return {
    sendVerification(userId) {
      background.run('verification mail', async () => {
        const user = await users.findOne({ _id: userId })
        if (!user || user.isVerified || user.botOwnerId || !(await mayMail('verify', user.emailKey))) return
        const token = await mailed.make(userId, 'verify')
        await mailer.send({
          to: user.email,
          subject: 'Confirm your e-mail address',
          // In the fragment, it reaches no server's log.
          text: `Welcome to Phantom Power!\n\nConfirm your address within 24 hours:\n${publicUrl}/#verify-email=${token}\n\nIf you have not signed up, ignore this mail.\n`,
        })
      })
    },
    async verifyEmail(token, origin) {
      await database.transaction(async (transaction) => {
        const userId = await mailed.use(token, 'verify', transaction)
        const options = { session: transaction }
        await users.updateOne({ _id: userId }, { $set: { isVerified: true, updatedAt: new Date() } }, options)
        await audit.record('EmailVerify', userId, origin, transaction)
      })
    },
    forgotPassword(email) {
      background.run('reset mail', async () => {
        const user = await users.findOne({ emailKey: email.toLowerCase() })
        if (!user || user.bannedAt || user.botOwnerId || !(await mayMail('reset', user.emailKey))) return
        const token = await mailed.make(user._id, 'reset')
        await mailer.send({
          to: user.email,
          subject: 'Reset your password',
          text: `Somebody, hopefully you, asked for a new password.\n\nSet it within an hour:\n${publicUrl}/#reset-password=${token}\n\nIf it was not you, ignore this mail: nothing has changed.\n`,
        })
      })
    },
    async resetPassword(token, password, origin) {
      const passwordHash = await passwords.hash(password)
      const { userId, revoked } = await database.transaction(async (transaction) => {
        const userId = await mailed.use(token, 'reset', transaction)
        // Who reads the mail owns the address.
        await users.updateOne(
          { _id: userId },
          { $set: { passwordHash, isVerified: true, updatedAt: new Date() } },
          { session: transaction },
        )
        await audit.record('PasswordReset', userId, origin, transaction)
        return { userId, revoked: await sessions.revokeIn({ userId }, transaction) }
      })
      sessions.tell(revoked)
      // A log-in with the old password can have slipped in between; from here on each sees the new hash.
      await sessions.revoke({ userId })
    },
    async confirmPassword(userId, password) {
      await confirm(userId, password, 'password')
    },
    async changePassword(actor, currentPassword, newPassword, origin) {
      const { userId, sessionId } = actor
      const user = await confirm(userId, currentPassword, 'currentPassword')
      const passwordHash = await passwords.hash(newPassword)
      const others = { userId, _id: { $ne: sessionId } }
      const revoked = await database.transaction(async (transaction) => {
        const { matchedCount } = await users.updateOne(
          { _id: userId, passwordHash: user?.passwordHash },
          { $set: { passwordHash, updatedAt: new Date() } },
          { session: transaction },
        )
        if (matchedCount === 0) throw new AppError('conflict', 'The password was changed meanwhile')
        await mailed.void(userId, 'reset', transaction)
        await audit.record('PasswordChange', userId, { sessionId, ...origin }, transaction)
        return sessions.revokeIn(others, transaction)
      })
      sessions.tell(revoked)
      await sessions.revoke(others)
    },
  }
}
