import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const AIAudioFileAnalysisResult = defineEntity('AIAudioFileAnalysisResult', {
  description: 'What a program heard in an audio file',
  collection: 'aiaudiofileanalysisresults',
  closed: true,
  fields: {
    id: f.id(),
    audioFileId: f.ref('AudioFile', 'cascade'),
    /** Beats a minute. */
    tempo: z.number().optional(),
    /** Tonic and mode, such as `C#m`. */
    key: f.text(0, 16).optional(),
    genre: f.text(0, 60).optional(),
    confidence: f.fraction().optional(),
    metadata: f.json().optional(),
    modelVersion: f.name(100),
    analyzedAt: f.time(),
  },
  stored: {
    /** Whose program it was; the server's own results have none. */
    botUserId: f.ref('User', 'keep').optional(),
  },
  indexes: [
    { keys: { audioFileId: 1, _id: -1 }, serves: 'the results of a file, newest first' },
    { keys: { audioFileId: 1, analyzedAt: -1 }, serves: 'the results of a file by the time of the analysis' },
  ],
})
export type AIAudioFileAnalysisResultDoc = Stored<typeof AIAudioFileAnalysisResult>
export type AIAudioFileAnalysisResultWire = Wire<typeof AIAudioFileAnalysisResult>
