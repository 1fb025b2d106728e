import type { mongo } from 'mongoose'
import { Comment } from '../../../models/Comment.ts'
import { Like } from '../../../models/Like.ts'
import { Report } from '../../../models/Report.ts'
import type { Database } from '../../infra/mongo.ts'
import type { TargetType } from './targets.ts'

/** Comments whose likes and reports go at a time. */
const chunk = 1_000

/**
 * Removes what points to things that go: their likes, their comments with the likes and reports on these, and, unless
 * `keepReports`, the reports. Call it once more after the things are gone for certain: what was written meanwhile by
 * somebody who still saw them goes then.
 */
export async function removeAttached(
  database: Database,
  type: TargetType,
  ids: string[],
  { session, keepReports = false }: { session?: mongo.ClientSession; keepReports?: boolean } = {},
): Promise<void> {
  if (ids.length === 0) return
  const on = { targetType: type, targetId: { $in: ids } } as never
  const comments = database.collection(Comment)
  while (type !== 'Comment') {
    const found = await comments
      .find(on, { projection: { _id: 1 }, session })
      .limit(chunk)
      .toArray()
    if (found.length === 0) break
    const commentIds = found.map(({ _id }) => _id)
    await comments.deleteMany({ _id: { $in: commentIds } }, { session })
    await removeAttached(database, 'Comment', commentIds, { ...(session && { session }), keepReports })
  }
  await database.collection(Like).deleteMany(on, { session })
  if (!keepReports) await database.collection(Report).deleteMany(on, { session })
}
