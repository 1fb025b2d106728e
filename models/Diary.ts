import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

/** What confirmations for one user meet at: each writes here, so that no two can pass each other by. */
export const Diary = defineEntity('Diary', {
  description: 'Counts the confirmed bookings of a user',
  collection: 'diaries',
  fields: {
    /** The user's id: one diary each. */
    id: f.ref('User', 'cascade'),
    entries: z.int().default(0),
  },
  indexes: [],
})
export type DiaryDoc = Stored<typeof Diary>
