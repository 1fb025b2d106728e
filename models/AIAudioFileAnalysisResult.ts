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
  indexes: [{ keys: { audioFileId: 1, analyzedAt: -1 }, serves: 'the results of a file, newest first' }],
})
export type AIAudioFileAnalysisResultDoc = Stored<typeof AIAudioFileAnalysisResult>
export type AIAudioFileAnalysisResultWire = Wire<typeof AIAudioFileAnalysisResult>
