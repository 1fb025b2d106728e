import { type NotificationType, notificationTypes } from '../../../models/Notification.ts'
import { NotificationPreference, type NotificationPreferenceDoc } from '../../../models/NotificationPreference.ts'
import type { Database } from '../../infra/mongo.ts'
import { newId } from '../../kernel/ids.ts'

export interface Ways {
  inApp: boolean
  email: boolean
}

export interface Preferences {
  types: Record<NotificationType, Ways>
  mutedRoomIds: string[]
}

type Stored = Pick<NotificationPreferenceDoc, 'types' | 'mutedRoomIds'>

const standard: Ways = { inApp: true, email: false }

function complete(stored: Stored | undefined | null): Preferences {
  const types = Object.fromEntries(notificationTypes.map((type) => [type, { ...standard, ...stored?.types?.[type] }]))
  return { types: types as Preferences['types'], mutedRoomIds: stored?.mutedRoomIds ?? [] }
}

const standardPreferences = complete(null)

/** Which news users want, and by which way. */
export function createPreferences(database: Database) {
  const preferences = database.collection(NotificationPreference)

  return {
    async of(userId: string): Promise<Preferences> {
      return complete(await preferences.findOne({ userId }))
    },
    /** Those of several users; whoever chose nothing has the standard ones. */
    async ofAll(userIds: string[]): Promise<(userId: string) => Preferences> {
      const found = await preferences.find({ userId: { $in: userIds } }).toArray()
      const byUser = new Map(found.map((stored) => [stored.userId, complete(stored)]))
      return (userId) => byUser.get(userId) ?? standardPreferences
    },
    /** Replaces what is given: the ways of single types, the list of muted rooms. */
    async change(userId: string, change: { types?: Partial<Preferences['types']>; mutedRoomIds?: string[] }) {
      const set: Record<string, unknown> = {}
      for (const [type, ways] of Object.entries(change.types ?? {})) if (ways) set[`types.${type}`] = ways
      if (change.mutedRoomIds) set['mutedRoomIds'] = [...new Set(change.mutedRoomIds)]
      const stored = await preferences.findOneAndUpdate(
        { userId },
        {
          ...(Object.keys(set).length > 0 && { $set: set }),
          $setOnInsert: { _id: newId(), ...(change.mutedRoomIds ? {} : { mutedRoomIds: [] }) },
        } as never,
        { upsert: true, returnDocument: 'after' },
      )
      return complete(stored)
    },
  }
}
