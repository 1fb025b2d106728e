import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'

/** How many changes are kept by name; an instance that missed more takes everything for changed. */
export const mostRightsChanges = 200

export const RightsState = defineEntity('RightsState', {
  description: 'Counts the changes of who may do what, so that instances notice them',
  collection: 'rightsstates',
  fields: {
    /** One document, `rights`. */
    id: z.string(),
    version: z.int(),
    /** Whose rights the last versions changed, the newest last: a user’s id, or `*` for what roles permit. */
    changes: z.array(z.string()).max(mostRightsChanges),
  },
  indexes: [],
})
export type RightsStateDoc = Stored<typeof RightsState>
