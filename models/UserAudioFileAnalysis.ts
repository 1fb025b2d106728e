import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const UserAudioFileAnalysis = defineEntity('UserAudioFileAnalysis', {
  description: 'What a listener heard in an audio file',
  collection: 'useraudiofileanalyses',
  fields: {
    id: f.id(),
    userId: f.ref('User', 'cascade'),
    audioFileId: f.ref('AudioFile', 'cascade'),
    description: f.text(0, 5_000).optional(),
    mood: f.text(0, 60).optional(),
    genre: f.text(0, 60).optional(),
    instruments: z.array(f.name(60)).max(50).optional(),
    tags: z.array(f.ref('Tag', 'null')).max(50).optional(),
    createdAt: f.time(),
    updatedAt: f.time().nullable().default(null),
  },
  indexes: [
    {
      keys: { audioFileId: 1, userId: 1 },
      options: { unique: true },
      serves: 'the analyses of a file; one a listener',
    },
    { keys: { audioFileId: 1, _id: -1 }, serves: 'the analyses of a file, newest first' },
    { keys: { userId: 1, _id: -1 }, serves: 'the analyses of a listener, newest first' },
    { keys: { tags: 1 }, serves: 'taking a deleted tag out of them' },
  ],
})
export type UserAudioFileAnalysisDoc = Stored<typeof UserAudioFileAnalysis>
export type UserAudioFileAnalysisWire = Wire<typeof UserAudioFileAnalysis>
