import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

const visibilities = ['public', 'private', 'unlisted', 'draft'] as const

export const AudioFile = defineEntity('AudioFile', {
  description: 'A recording that somebody uploaded',
  collection: 'audiofiles',
  fields: {
    id: f.id(),
    userId: f.ref('User'),
    title: f.name(200),
    description: f.text(0, 5_000).optional(),
    fileUrl: f.uri(),
    /** Seconds; known once the file is decoded. */
    duration: z.number().optional(),
    waveformDataUrl: f.uri().optional(),
    visibility: z.enum(visibilities).default('public'),
    createdAt: f.time(),
    updatedAt: f.time().nullable().default(null),
  },
  indexes: [
    { keys: { userId: 1, _id: -1 }, serves: 'the files of a user, newest first' },
    { keys: { visibility: 1, _id: -1 }, serves: 'public files, newest first' },
    {
      keys: { title: 'text', description: 'text' },
      options: { name: 'search', default_language: 'none', weights: { title: 5, description: 1 } },
      serves: 'finding files by words',
    },
  ],
})
export type AudioFileDoc = Stored<typeof AudioFile>
export type AudioFileWire = Wire<typeof AudioFile>
