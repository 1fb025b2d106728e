import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

/** Why nothing is listened to any more: somebody stopped it, the track came to its end, or was deleted. */
export const listenEnds = ['stopped', 'finished', 'gone'] as const

export const ListenSession = defineEntity('ListenSession', {
  description: 'What the members of a room listen to together; its last state stays when it has ended',
  collection: 'listensessions',
  fields: {
    /** The room's id: one state each. */
    id: f.ref('ChatRoom', 'cascade'),
    /** Grows by one with each change, so that of two states the newer can be told. */
    rev: z.int().min(1),
    active: z.boolean(),
    audioFileId: f.ref('AudioFile', 'null').nullable(),
    playing: z.boolean(),
    /** Where the track was at `at`, in milliseconds. */
    positionMs: z.number().min(0),
    /** All times are by MongoDB's clock, which all instances share. */
    at: f.time(),
    /** Of the track; null while not known. */
    durationMs: z.number().nullable(),
    /** When it ends by itself unless something is changed. */
    endsAt: f.time(),
    /** Who made the last change, and who chose the track. */
    by: f.ref('User', 'keep'),
    startedBy: f.ref('User', 'keep'),
    ended: z.enum(listenEnds).nullable(),
    changedAt: f.time(),
  },
  indexes: [
    { keys: { changedAt: 1 }, serves: 'changes that an instance may have missed' },
    { keys: { audioFileId: 1, active: 1 }, serves: 'where a deleted track is listened to, or one that is gone' },
    {
      keys: { endsAt: 1 },
      options: { partialFilterExpression: { active: true } },
      serves: 'what has come to its end',
    },
    {
      keys: { active: 1, durationMs: 1 },
      options: { partialFilterExpression: { active: true, durationMs: null } },
      serves: 'tracks whose duration was not known when they began',
    },
  ],
})
export type ListenSessionDoc = Stored<typeof ListenSession>
