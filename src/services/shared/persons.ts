import { Block } from '../../../models/Block.ts'
import { User } from '../../../models/User.ts'
import type { Database } from '../../infra/mongo.ts'

/** Which of the ids are people with an account in use: not bots, banned or closed ones. */
export async function personsAmong(database: Database, ids: string[]): Promise<Set<string>> {
  const found = await database
    .collection(User)
    .find(
      { _id: { $in: ids }, botOwnerId: { $exists: false }, bannedAt: null, deletedAt: { $exists: false } },
      { projection: { _id: 1 } },
    )
    .toArray()
  return new Set(found.map((user) => user._id))
}

/** Who of some users blocks the user, or is blocked. */
export async function blockedEitherWay(database: Database, userId: string, others: string[]): Promise<Set<string>> {
  const found = await database
    .collection(Block)
    .find({
      $or: [
        { userId, blockedId: { $in: others } },
        { blockedId: userId, userId: { $in: others } },
      ],
    })
    .toArray()
  return new Set(found.map((block) => (block.userId === userId ? block.blockedId : block.userId)))
}
