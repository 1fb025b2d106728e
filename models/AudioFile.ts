import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

const visibilities = ['public', 'private', 'unlisted', 'draft'] as const
export const AudioVisibility = z.enum(visibilities)

/** How many tags a recording has at most. */
export const maxAudioTags = 50

const analysisStates = ['waiting', 'done', 'failed'] as const

/** How the analysis of a recording stands. */
const AnalysisState = z.object({
  state: z.enum(analysisStates),
  /** How often it was begun since it was asked for. */
  attempts: z.int(),
  /** How often of these it failed for a reason that may pass. */
  failures: z.int().optional(),
  /** When it may be begun (again). */
  dueAt: z.date(),
  /** Who analysed it last. */
  modelVersion: z.string().optional(),
  /** Why it failed. */
  reason: z.string().optional(),
})

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
    /** How its analysis stands; a recording from before there was one has none. */
    analysis: AnalysisState.optional(),
    /** What matching and search know of its sound. */
    sound: z
      .object({
        /** Beats a minute. */
        tempo: z.number().optional(),
        /** 0 to 11: C major up to B major; 12 to 23: C minor up to B minor. */
        key: z.int().min(0).max(23).optional(),
        /** LUFS. */
        loudness: z.number().optional(),
        /** In units of each feature's reference. */
        features: z.array(z.number().nullable()).max(32),
        facets: z.array(z.string().max(100)).max(64),
      })
      .optional(),
  },
  indexes: [
    {
      keys: { 'analysis.state': 1, userId: 1, 'analysis.dueAt': 1 },
      options: { partialFilterExpression: { 'analysis.state': 'waiting' } },
      serves: 'what is to be analysed',
    },
    { keys: { userId: 1, _id: -1 }, serves: 'the files of a user, newest first' },
    { keys: { visibility: 1, _id: -1 }, serves: 'public files, newest first' },
    {
      keys: { 'sound.facets': 1 },
      options: { partialFilterExpression: { visibility: 'public' } },
      serves: 'public files that sound alike',
    },
    { keys: { visibility: 1, 'sound.key': 1, _id: -1 }, serves: 'public files in a key, newest first' },
    { keys: { visibility: 1, 'sound.tempo': 1 }, serves: 'public files of a tempo' },
    {
      keys: { title: 'text', description: 'text' },
      options: { name: 'search', default_language: 'none', weights: { title: 5, description: 1 } },
      serves: 'finding files by words',
    },
  ],
})
export type AudioFileDoc = Stored<typeof AudioFile>
export type AudioFileWire = Wire<typeof AudioFile>
