import { maxActs, Notification, type NotificationDoc, type NotificationType } from '../../../models/Notification.ts'
import type { Database } from '../../infra/mongo.ts'
import { createLanes } from '../../kernel/lanes.ts'
import { isDuplicate } from '../shared/duplicates.ts'

/** Something somebody did that a user is told of together with others of its kind. */
export interface Act {
  userId: string
  type: NotificationType
  actorId: string
  /** The ids needed to open the thing; of several acts, the latest one's. */
  ids: Record<string, string>
  /** What unread acts are told of together, such as likes of one thing. */
  group: string
  /** Names the act: told once for ever, also where it was taken back and done again. */
  key: string
}

/** How many of those who acted are named. */
const maxNamed = 5
/** How many notifications of one group are filled while none of them is read; what comes then is not told. */
const maxParts = 20
/** How often an act is tried again that others were faster than. */
const maxTries = 50

/** The payload of one that tells of several acts: as pipeline stages over its `acts` and `actorIds`. */
const told = (ids: Record<string, string>) => ({
  $mergeObjects: [
    '$payload',
    { $literal: ids },
    {
      actorId: { $first: '$actorIds' },
      actorIds: { $slice: ['$actorIds', maxNamed] },
      others: { $subtract: [{ $size: '$actorIds' }, 1] },
      count: { $size: '$acts' },
    },
  ],
})

/**
 * Tells of acts that come in bursts: while a notification of their group is unread, it takes in what follows. Each act
 * is told once for ever, by a unique index over the acts of all notifications of a user.
 */
export function createCollapsing(deps: {
  database: Database
  /** The notification that a user is to get as they chose; null for none. */
  draft(act: Act, payload: Record<string, unknown>): Promise<NotificationDoc | null>
}) {
  const lanes = createLanes({ limit: 2_000 })
  const notifications = deps.database.collection(Notification)

  /** Adds the act to the unread notification of its group that still has room; null where there is none. */
  const join = (act: Act, dedupeKey: string) =>
    notifications.findOneAndUpdate(
      {
        userId: act.userId,
        dedupeKey,
        isRead: false,
        acts: { $ne: act.key },
        [`acts.${maxActs - 1}`]: { $exists: false },
      } as never,
      [
        {
          $set: {
            acts: { $concatArrays: [{ $ifNull: ['$acts', []] }, [{ $literal: act.key }]] },
            actorIds: {
              $concatArrays: [
                [act.actorId],
                { $filter: { input: { $ifNull: ['$actorIds', []] }, cond: { $ne: ['$$this', act.actorId] } } },
              ],
            },
          },
        },
        { $set: { payload: told(act.ids) } },
      ],
      { returnDocument: 'after' },
    ) as Promise<NotificationDoc | null>

  const isTold = async ({ userId, key }: Act) =>
    (await notifications.findOne({ userId, acts: key } as never, { projection: { _id: 1 } })) !== null

  return {
    /**
     * Stores an act: in an unread notification (`isNew` false), or in one of its own. Null where it was told before or
     * is not wanted.
     */
    store: (act: Act): Promise<{ notification: NotificationDoc; isNew: boolean } | null> =>
      // One at a time for a group: of many at once the later ones find what the first has stored.
      lanes.run(`${act.userId} ${act.group}`, () => store(act)),
  }

  async function store(act: Act): Promise<{ notification: NotificationDoc; isNew: boolean } | null> {
    if (await isTold(act)) return null
    const { actorId, ids, key } = act
    const payload = { ...ids, actorId, actorIds: [actorId], others: 0, count: 1 }
    const draft = await deps.draft(act, payload)
    if (!draft) return null
    let part = 1
    for (let tries = 0; tries < maxTries && part <= maxParts; tries++) {
      const dedupeKey = part === 1 ? act.group : `${act.group}#${part}`
      try {
        const joined = await join(act, dedupeKey)
        if (joined) return { notification: joined, isNew: false }
        if (await isTold(act)) return null
        const notification = { ...draft, dedupeKey, acts: [key], actorIds: [actorId] }
        await notifications.insertOne(notification as never)
        return { notification, isNew: true }
      } catch (error) {
        if (!isDuplicate(error)) throw error
        if (await isTold(act)) return null
        // Somebody was faster with the first of the group, or it is full.
        const first = await notifications.findOne(
          { userId: act.userId, dedupeKey, isRead: false, [`acts.${maxActs - 1}`]: { $exists: true } } as never,
          { projection: { _id: 1 } },
        )
        if (first) part++
      }
    }
    return null
  }
}
