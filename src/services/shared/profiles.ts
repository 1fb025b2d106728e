import { Profile, type ProfileWire } from '../../../models/Profile.ts'
import type { Database } from '../../infra/mongo.ts'

/** The profiles of some users, in one query; whoever has none is left out. */
export async function profilesOf(database: Database, userIds: Iterable<string>): Promise<ProfileWire[]> {
  const ids = [...new Set(userIds)]
  if (ids.length === 0) return []
  const found = await database
    .collection(Profile)
    .find({ userId: { $in: ids } })
    .toArray()
  return found.map((profile) => Profile.toWire(profile))
}
