import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

const bookingStatuses = ['requested', 'confirmed', 'cancelled', 'completed'] as const

export const Booking = defineEntity('Booking', {
  description: 'A musician asked to play on a project at a time',
  collection: 'bookings',
  fields: {
    id: f.id(),
    projectId: f.ref('Project', 'cascade'),
    userId: f.ref('User', 'cascade'),
    /** What they play, such as `drummer`. */
    role: f.text(0, 60).optional(),
    status: z.enum(bookingStatuses),
    startTime: f.time().optional(),
    endTime: f.time().optional(),
    createdAt: f.time(),
    updatedAt: f.time().nullable().default(null),
  },
  extra: {
    requestedBy: z
      .enum(['owner', 'user'])
      .default('owner')
      .describe('Which side asked: the project’s, or the one who is to play; the other confirms'),
  },
  indexes: [
    { keys: { projectId: 1, _id: -1 }, serves: 'the bookings of a project, newest first' },
    { keys: { userId: 1, _id: -1 }, serves: 'the bookings of a user, newest first' },
    { keys: { userId: 1, status: 1, startTime: 1 }, serves: 'confirmed bookings of a user that overlap a time' },
  ],
})
export type BookingDoc = Stored<typeof Booking>
export type BookingWire = Wire<typeof Booking>
