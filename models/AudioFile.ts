import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

const visibilities = ['public', 'private', 'unlisted', 'draft'] as const
export const AudioVisibility = z.enum(visibilities)

/** How many tags a recording has at most. */
export const maxAudioTags = 20

export const AudioFile = defineEntity('AudioFile', {
  description: 'A recording that somebody uploaded',
  collection: 'audiofiles',
  fields: {
    id: f.id(),
    userId: f.ref('User', 'cascade'),
    title: f.name(200),
    description: f.text(0, 5_000).optional(),
    fileUrl: f.uri(),
    /** Seconds; known once the file is decoded. */
    duration: z.number().optional(),
    waveformDataUrl: f.uri().optional(),
    visibility: AudioVisibility.default('public'),
    createdAt: f.time(),
    updatedAt: f.time().nullable().default(null),
  },
  extra: {
    mimeType: z.string().max(100).optional().describe('By its content: audio/mpeg, audio/wav, audio/flac and so on'),
    sizeBytes: z.int().min(0).optional(),
    tags: z.array(z.string()).max(maxAudioTags).optional().describe('The names of its tags'),
  },
  stored: {
    /** Where its bytes are in the storage. */
    storageKey: z.string().max(200).optional(),
    /** How the file was called where it came from. */
    fileName: z.string().max(255).optional(),
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
