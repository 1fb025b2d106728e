import type { mongo } from 'mongoose'
import { Bot } from '../../../models/Bot.ts'
import { Membership } from '../../../models/Membership.ts'
import { Notification } from '../../../models/Notification.ts'
import { Profile } from '../../../models/Profile.ts'
import { Project } from '../../../models/Project.ts'
import { Session } from '../../../models/Session.ts'
import { User } from '../../../models/User.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { AppError, notFound } from '../../kernel/errors.ts'
import type { Rooms } from '../chat/rooms.ts'
import type { Deletion } from '../deletion.ts'
import type { Jobs } from '../jobs.ts'
import type { Projects } from '../projects/projects.ts'
import { createAudit } from './audit.ts'
import type { Rights } from './rights.ts'
import type { Roles } from './roles.ts'
import type { Sessions } from './sessions.ts'

export interface ClosingPayload {
  userId: string
}

/** The job that ends what closing an account began. */
export const closing = { kind: 'account-closing' }

/** By what others know one who has gone. */
const goneName = 'Deleted user'

export interface ClosingDeps {
  database: Database
  sessions: Sessions
  roles: Pick<Roles, 'keepAnAdmin'>
  rights: Pick<Rights, 'tell'>
  rooms: Rooms
  projects: Pick<Projects, 'remove'>
  deletion: Deletion
  jobs: Pick<Jobs, 'enqueue'>
}

/**
 * Closes accounts. The row of the user and the profile stay without anything personal: what they said to others is
 * the others' too, and still names a sender. All else goes, in a job, for it can be much.
 */
export function createClosing({ database, sessions, roles, rights, rooms, projects, deletion, jobs }: ClosingDeps) {
  const users = database.collection(User)
  const profiles = database.collection(Profile)
  const audit = createAudit(database)

  /** Leaves a user's row and profile without anything personal, and nobody able to log in. */
  async function blank(userId: string, session: mongo.ClientSession) {
    const now = new Date()
    const email = `${userId.toLowerCase()}@deleted.invalid`
    await users.updateOne(
      { _id: userId },
      {
        $set: {
          email,
          emailKey: email,
          role: 'user',
          isVerified: false,
          updatedAt: now,
          bannedAt: now,
          deletedAt: now,
        },
        $unset: { passwordHash: '' },
      },
      { session },
    )
    const profile = await profiles.findOne({ userId }, { session })
    if (!profile) return
    const { _id, createdAt } = profile
    await profiles.replaceOne(
      { _id },
      { userId, displayName: goneName, nameKey: goneName.toLowerCase(), createdAt, updatedAt: now },
      { session },
    )
  }

  return {
    /**
     * Closes an account and those of its bots: from now on nobody can use or find it. What else there is of it goes
     * in a job. Throws `not_found`, or `conflict` for the last admin.
     */
    async close(userId: string, by: Actor): Promise<void> {
      const revoked = await database.transaction(async (session) => {
        const user = await users.findOne({ _id: userId }, { session })
        if (!user || user.deletedAt) throw notFound('User')
        if (user.role === 'admin') await roles.keepAnAdmin(userId, session)
        const bots = await database.collection(Bot).find({ ownerId: userId }, { session }).toArray()
        const ids = [userId, ...bots.map((bot) => bot.userId)]
        for (const id of ids) await blank(id, session)
        await database.collection(Bot).deleteMany({ ownerId: userId }, { session })
        await audit.record('UserDelete', by.userId, { userId }, session)
        await jobs.enqueue(closing, { userId }, { key: userId, transaction: session })
        return sessions.revokeIn({ userId: { $in: ids } }, session)
      })
      sessions.tell(revoked)
      await rights.tell()
    },

    /** Ends the closing of an account: the job. Can be done again from anywhere. */
    async run({ userId }: ClosingPayload, signal: AbortSignal): Promise<void> {
      const bots = await users.find({ botOwnerId: userId }, { projection: { _id: 1 } }).toArray()
      for (const id of [userId, ...bots.map((bot) => bot._id)]) {
        await leaveRooms(id, signal)
        await endProjects(id, signal)
        const profile = await profiles.findOne({ userId: id }, { projection: { _id: 1 } })
        if (profile) await deletion.freeOf(Profile, profile._id, signal)
        await deletion.freeOf(User, id, signal)
        await database.collection(Notification).deleteMany({ 'payload.actorId': id } as never)
        // The sessions themselves end by their time: other instances still have to see that they were revoked.
        await database
          .collection(Session)
          .updateMany({ userId: id }, { $unset: { ipAddress: '', userAgent: '' }, $set: { expiresAt: new Date() } })
      }
    },
  }

  /** By their own way, so that open boards close. */
  async function endProjects(userId: string, signal: AbortSignal) {
    const actor: Actor = { userId, sessionId: '', role: 'user' }
    const owned = database.collection(Project).find({ ownerId: userId }, { projection: { _id: 1 } })
    for (const { _id } of await owned.toArray()) {
      signal.throwIfAborted()
      await projects.remove(actor, _id).catch((error) => {
        // Gone meanwhile, or without members; what is left of it goes by its references.
        if (!(error instanceof AppError && ['not_found', 'forbidden'].includes(error.code))) throw error
      })
    }
  }

  async function leaveRooms(userId: string, signal: AbortSignal) {
    const actor: Actor = { userId, sessionId: '', role: 'user' }
    const places = database.collection(Membership).find({ userId, kind: 'room', active: true })
    for (const { logId } of await places.toArray()) {
      signal.throwIfAborted()
      await rooms.leave(actor, logId).catch((error) => {
        // Removed by somebody meanwhile.
        if (!(error instanceof AppError && error.code === 'not_found')) throw error
      })
    }
  }
}

export type Closing = ReturnType<typeof createClosing>
