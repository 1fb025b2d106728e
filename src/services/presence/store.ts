import { Presence } from '../../../models/Presence.ts'
import type { Database } from '../../infra/mongo.ts'
import { type ChosenStatus, type KnownPresence, knownOf } from './status.ts'

/** One write to a user's presence. */
export type PresenceWrite = { userId: string } & (
  | { type: 'on' | 'off'; instanceId: string }
  | { type: 'active' }
  | { type: 'set'; instanceId: string; status: ChosenStatus; text: string | undefined }
)

/** How far back a look for missed changes reaches past the newest seen, for writes that end in another order. */
const overlapMs = 5_000
/** The most changes that one look covers. */
const maxChanges = 20_000
const projection = { instances: 1, chosen: 1, text: 1, lastActiveAt: 1, rev: 1 } as const

const instancesOr = { $ifNull: ['$instances', []] }
const changed = { changedAt: '$$NOW', rev: { $add: [{ $ifNull: ['$rev', 0] }, 1] } }
/** When an invisible user was last here is not told, and therefore not noted. */
const activeNow = {
  $cond: [{ $eq: ['$chosen', 'invisible'] }, { $ifNull: ['$lastActiveAt', '$$NOW'] }, '$$NOW'],
}
const asBefore = {
  chosen: { $ifNull: ['$chosen', 'online'] },
  text: { $ifNull: ['$text', ''] },
}

function updateOf(write: PresenceWrite): object {
  const { userId } = write
  switch (write.type) {
    case 'on': {
      const instances = { $setUnion: [instancesOr, [write.instanceId]] }
      const update = [{ $set: { ...asBefore, instances, lastActiveAt: activeNow, ...changed } }]
      return { filter: { _id: userId }, update, upsert: true }
    }
    case 'off': {
      const instances = { $setDifference: [instancesOr, [write.instanceId]] }
      const update = [{ $set: { instances, lastActiveAt: activeNow, ...changed } }]
      return { filter: { _id: userId, instances: write.instanceId }, update }
    }
    case 'active':
      return { filter: { _id: userId }, update: [{ $set: { lastActiveAt: activeNow } }] }
    case 'set': {
      const instances = { $setUnion: [instancesOr, [write.instanceId]] }
      const text = write.text === undefined ? asBefore.text : { $literal: write.text }
      const chosen = { $literal: write.status }
      // Becoming visible again is being active; becoming invisible is the last that is noted.
      const update = [{ $set: { instances, chosen, text, lastActiveAt: '$$NOW', ...changed } }]
      return { filter: { _id: userId }, update, upsert: true }
    }
  }
}

/** The presences as they are stored. All times are MongoDB's. */
export function createPresenceStore({ database }: { database: Database }) {
  const presences = database.collection(Presence)

  async function read(userIds: string[]): Promise<KnownPresence[]> {
    const found = await presences.find({ _id: { $in: userIds } }, { projection }).toArray()
    return found.map((doc) => knownOf(doc as never))
  }

  return {
    read,
    /** Applies writes in order, at most some thousand at once; each can be repeated. */
    async write(writes: PresenceWrite[]): Promise<void> {
      await presences.bulkWrite(writes.map((write) => ({ updateOne: updateOf(write) })) as never, { ordered: true })
    },
    /** The ids of instances that hold users. */
    async holders(): Promise<string[]> {
      // An empty list comes out of the index as a value of its own.
      const found: unknown[] = await presences.distinct('instances')
      return found.filter((id) => typeof id === 'string')
    },
    /** Users of an instance, at most `limit`. */
    async heldBy(instanceId: string, limit: number): Promise<string[]> {
      const found = await presences
        .find({ instances: instanceId }, { projection: { _id: 1 } })
        .limit(limit)
        .toArray()
      return found.map((presence) => presence._id)
    },
    /** When a presence last changed, by MongoDB's clock, less the overlap; null where there is none. */
    async latest(): Promise<Date | null> {
      const newest = await presences.findOne({}, { projection: { changedAt: 1 }, sort: { changedAt: -1 } })
      return newest ? new Date(newest.changedAt.getTime() - overlapMs) : null
    },
    /** What changed after a time, of the users given or, without them, of all; and the time to go on from. */
    async since(
      time: Date,
      userIds: string[] | null,
    ): Promise<{ changes: KnownPresence[]; since: Date; cut: boolean }> {
      const filter = { changedAt: { $gt: time }, ...(userIds && { _id: { $in: userIds } }) }
      const found = await database.find(Presence, filter as never, {
        projection: { ...projection, changedAt: 1 },
        sort: { changedAt: 1 },
        limit: maxChanges,
      })
      const last = found.at(-1)?.changedAt
      const cut = found.length === maxChanges
      const reached = last ? last.getTime() - (cut ? 0 : overlapMs) : 0
      return {
        changes: found.map((doc) => knownOf(doc as never)),
        since: new Date(Math.max(time.getTime(), reached)),
        cut,
      }
    },
  }
}

export type PresenceStore = ReturnType<typeof createPresenceStore>
