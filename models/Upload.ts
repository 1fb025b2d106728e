import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'
import { AudioVisibility, maxAudioTags } from './AudioFile.ts'

/** A resumable upload: its id is that of the recording that it becomes. */
export const Upload = defineEntity('Upload', {
  description: 'A recording that comes in parts',
  archive: { leftOut: 'the bytes of what is not finished do not go along' },
  collection: 'uploads',
  fields: {
    id: f.id(),
    userId: f.ref('User', 'cascade'),
    /** The whole of it, in bytes. */
    length: z.int().min(0),
    title: f.name(200),
    description: f.text(0, 5_000).optional(),
    visibility: AudioVisibility.default('public'),
    tags: z.array(f.name(50)).max(maxAudioTags).default([]),
    fileName: z.string().max(255).optional(),
    /** As the client sent it, to be told back. */
    metadata: f.json().default({}),
    createdAt: f.time(),
    /** When it goes, unless it is finished; by MongoDB's clock. */
    expiresAt: f.time(),
    finishedAt: f.time().nullable().default(null),
    /** Who writes to it at the moment, and until when unless that is renewed. */
    lockedBy: z.string().nullable().default(null),
    lockedUntil: f.time().nullable().default(null),
    /** Whether another request waits to write. */
    lockWanted: z.boolean().default(false),
  },
  indexes: [
    { keys: { userId: 1, _id: -1 }, serves: 'the room that is kept for a user' },
    { keys: { expiresAt: 1 }, serves: 'what is to be swept' },
  ],
})
export type UploadDoc = Stored<typeof Upload>
