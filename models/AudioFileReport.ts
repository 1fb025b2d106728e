import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

/** How many analyses or values of a kind a report names at most. */
export const maxReportIds = 1_000

export const AudioFileReport = defineEntity('AudioFileReport', {
  description: 'All that is known of an audio file, by id',
  collection: 'audiofilereports',
  fields: {
    id: f.id(),
    audioFileId: f.ref('AudioFile', 'cascade'),
    aiAnalysisIds: z.array(f.ref('AIAudioFileAnalysisResult', 'null')).max(maxReportIds).default([]),
    userAnalysisIds: z.array(f.ref('UserAudioFileAnalysis', 'null')).max(maxReportIds).default([]),
    metricValueIds: z.array(f.ref('AudioFileMetricValue', 'null')).max(maxReportIds).default([]),
    notes: f.text(0, 5_000).optional(),
    createdAt: f.time(),
    updatedAt: f.time().nullable().default(null),
  },
  indexes: [
    { keys: { audioFileId: 1 }, options: { unique: true }, serves: 'the report of a file; one each' },
    { keys: { aiAnalysisIds: 1 }, serves: 'taking a program’s analysis out of it when that is deleted' },
    { keys: { userAnalysisIds: 1 }, serves: 'taking a listener’s analysis out of it when that is deleted' },
    { keys: { metricValueIds: 1 }, serves: 'taking a value out of it when that is deleted' },
  ],
})
export type AudioFileReportDoc = Stored<typeof AudioFileReport>
export type AudioFileReportWire = Wire<typeof AudioFileReport>
