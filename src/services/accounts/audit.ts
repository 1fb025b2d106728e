import type { mongo } from 'mongoose'
import { AuditLog } from '../../../models/AuditLog.ts'
import type { Database } from '../../infra/mongo.ts'
import { newId } from '../../kernel/ids.ts'

/** Acts that matter for security or moderation, or that take something away for good. */
export type AuditAction =
  | 'UserRegister'
  | 'UserLogin'
  | 'UserLoginFailed'
  | 'UserLogout'
  | 'UserUpdate'
  | 'UserBan'
  | 'UserUnban'
  | 'UserDelete'
  | 'UserExport'
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
  /** `AudioFileDelete`, `CommentModerate`: somebody took a thing away, or changed another’s. */
  | `${AuditedThing}${'Create' | 'Update' | 'Delete' | 'Moderate'}`

/** Kinds of things whose deletion and moderation is written down. */
type AuditedThing =
  | 'AudioFile'
  | 'AudioFileMetricType'
  | 'AudioFileMetricValue'
  | 'AudioFileReport'
  | 'Booking'
  | 'ChatMessage'
  | 'ChatRoom'
  | 'Comment'
  | 'Image'
  | 'Permission'
  | 'Playlist'
  | 'Profile'
  | 'Project'
  | 'Report'
  | 'Role'
  | 'RolePermission'
  | 'Tag'
  | 'UserRole'

export interface Audit {
  /**
   * Writes an entry of what `userId` did, within a transaction where one is given. Details name the thing by its id, and
   * must hold no secret.
   */
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
