import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

const roomRoles = ['owner', 'moderator', 'member'] as const
export const RoomRole = z.enum(roomRoles)
export type RoomRole = z.infer<typeof RoomRole>

export const ChatRoom = defineEntity('ChatRoom', {
  description: 'A group of people who talk; its history is a log',
  collection: 'chatrooms',
  fields: {
    id: f.id(),
    name: f.name(100),
    /** Derived from the memberships when a room is presented. */
    memberIds: z.array(f.ref('User', 'keep')).default([]),
    createdAt: f.time(),
    updatedAt: f.time().nullable().default(null),
  },
  extra: {
    visibility: z.enum(['public', 'private']).default('private'),
    topic: f.text(0, 500).default(''),
    slowModeSeconds: z.int().min(0).max(21_600).default(0),
    createdBy: f.ref('User', 'keep'),
    members: z
      .array(z.object({ userId: f.ref('User', 'keep'), role: RoomRole }))
      .default([])
      .describe('Who is in the room with which role; at most the first 1,000, memberCount counts all'),
    memberCount: z.int().default(0),
    rev: z.int().default(0).describe('The last change of the room’s log that this picture holds'),
    seq: z.int().default(0).describe('The number of the room’s last message'),
  },
  indexes: [
    { keys: { visibility: 1, _id: -1 }, serves: 'the list of public rooms, newest first' },
    { keys: { name: 'text', topic: 'text' }, serves: 'finding public rooms by words' },
  ],
})
export type ChatRoomDoc = Stored<typeof ChatRoom>
export type ChatRoomWire = Wire<typeof ChatRoom>
