import { Membership, type MembershipDoc } from '../../models/Membership.ts'
import type { Database } from '../infra/mongo.ts'
import type { Logger } from '../kernel/ports.ts'

export type Place = Pick<MembershipDoc, 'logId' | 'userId' | 'kind' | 'peerId' | 'readSeq'>

/** How far back a look for missed changes reaches past the last one seen, for commits that come in another order. */
const overlapMs = 5_000

/** Which logs a user is in, and what of that has changed lately. */
export function createMemberships({ database, logger }: { database: Database; logger: Logger }) {
  const memberships = database.collection(Membership)
  let since: Date | null = null

  return {
    /** All rooms and conversations of a user; both are bounded where they are entered. */
    async of(userId: string, kinds: ('room' | 'direct')[]): Promise<Place[]> {
      if (kinds.length === 0) return []
      return memberships
        .find(
          { userId, active: true, kind: { $in: kinds } },
          { projection: { _id: 0, logId: 1, userId: 1, kind: 1, peerId: 1, readSeq: 1 } },
        )
        .sort({ changedAt: -1 })
        .limit(10_000)
        .toArray()
    },
    /** Memberships that changed since the last call, on whichever instance; some may come again. */
    async recent(): Promise<{ logId: string; userId: string }[]> {
      const newest = await memberships.findOne({}, { projection: { changedAt: 1 }, sort: { changedAt: -1 } })
      const from = since
      if (newest) since = new Date(newest.changedAt.getTime() - overlapMs)
      if (!from || !newest) return []
      const found = await database.find(
        Membership,
        { changedAt: { $gt: from } },
        { projection: { _id: 0, logId: 1, userId: 1 }, sort: { changedAt: -1 }, limit: 20_000 },
      )
      if (found.length === 20_000) logger.warn({}, 'more membership changes at once than one look covers')
      return found
    },
  }
}

export type Memberships = ReturnType<typeof createMemberships>
