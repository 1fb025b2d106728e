import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'
import { RoomRole } from './ChatRoom.ts'

/** A user's place in a log: in a room, or as one of the two in a conversation. Past ones stay, marked inactive. */
export const Membership = defineEntity('Membership', {
  description: 'A user’s membership of a room or conversation, with the reading mark',
  collection: 'memberships',
  fields: {
    id: f.id(),
    logId: z.string(),
    userId: f.ref('User', 'keep'),
    kind: z.enum(['room', 'direct']),
    /** The other side of a conversation. */
    peerId: f.ref('User', 'keep').optional(),
    role: RoomRole.default('member'),
    active: z.boolean().default(true),
    /** The reading mark: all messages up to this seq are read. */
    readSeq: z.int().default(0),
    /** When the mark moved where, newest last, at most 200: what readAt derives from. */
    marks: z.array(z.object({ seq: z.int(), at: z.date() })).default([]),
    /** In slow mode: when the last turn to send was taken, by MongoDB's clock. */
    sentAt: f.time().optional(),
    joinedAt: f.time(),
    /** By MongoDB's clock; when the membership itself (not the mark) last changed. */
    changedAt: f.time(),
  },
  indexes: [
    { keys: { logId: 1, userId: 1 }, options: { unique: true }, serves: 'one membership; marks of a log' },
    { keys: { userId: 1, active: 1, kind: 1, changedAt: -1 }, serves: 'the rooms and conversations of a user' },
    { keys: { logId: 1, active: 1, joinedAt: 1 }, serves: 'the members of a room, oldest first' },
    { keys: { logId: 1, active: 1, readSeq: -1, userId: 1 }, serves: 'who has read up to a message, and who has not' },
    { keys: { changedAt: 1 }, serves: 'changes that an instance may have missed' },
  ],
})
export type MembershipDoc = Stored<typeof Membership>
