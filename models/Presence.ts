import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const chosenStatuses = ['online', 'away', 'dnd', 'invisible'] as const

export const maxPresenceText = 200

/** Over all devices; what others see of it is derived (`offline` where no instance holds a device). */
export const Presence = defineEntity('Presence', {
  description: 'Where a user is connected and how they want to be seen',
  archive: { instead: { instances: () => [] } },
  collection: 'presences',
  fields: {
    /** The user's id: one presence each. */
    id: f.ref('User', 'cascade'),
    /** The instances that hold a device of the user; an entry counts while its instance's heart beats. */
    instances: z.array(f.ref('Instance', 'null')).max(1_000).default([]),
    chosen: z.enum(chosenStatuses).default('online'),
    text: f.text(0, maxPresenceText).default(''),
    lastActiveAt: f.time(),
    changedAt: f.time(),
    /** Grows with each change, so that of two states the newer can be told. */
    rev: z.int(),
  },
  indexes: [
    { keys: { changedAt: 1 }, serves: 'changes that an instance may have missed' },
    { keys: { instances: 1 }, serves: 'who was connected to an instance that died' },
  ],
})
export type PresenceDoc = Stored<typeof Presence>
