import type { mongo } from 'mongoose'
import { AuditLog } from '../../../models/AuditLog.ts'
import type { Database } from '../../infra/mongo.ts'
import { newId } from '../../kernel/ids.ts'

/** Acts that matter for the security of accounts. */
type AuditAction =
  | 'UserRegister'
  | 'UserLogin'
  | 'UserLoginFailed'
  | 'UserLogout'
  | 'UserBan'
  | 'UserDelete'
  | 'AdminCreate'
  | 'AdminPromote'
  | 'EmailVerify'
  | 'PasswordChange'
  | 'PasswordReset'
  | 'SessionRevoke'
  | 'SessionReuse'
  | 'BotCreate'
  | 'BotRemove'
  | 'BotTokenRenew'

export interface Audit {
  /** Writes an entry, within a transaction where one is given. Details must hold no secret. */
  record(action: AuditAction, userId: string, details: object, session?: mongo.ClientSession): Promise<void>
}

export const createAudit = (database: Database): Audit => ({
  async record(action, userId, details, session) {
    await database.collection(AuditLog).insertOne(
      {
        _id: newId(),
        action,
        performedBy: userId,
        performedAt: new Date(),
        details: { ...details },
      },
      { session },
    )
  },
})
