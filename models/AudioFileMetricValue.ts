import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const AudioFileMetricValue = defineEntity('AudioFileMetricValue', {
  description: 'What a measure came to for an audio file',
  collection: 'audiofilemetricvalues',
  fields: {
    id: f.id(),
    reportId: f.ref('AudioFileReport', 'cascade'),
    metricTypeId: f.ref('AudioFileMetricType', 'refuse'),
    value: z.union([z.number(), f.text(0, 2_000), f.json()]).optional(),
    additionalInfo: f.json().optional(),
    createdAt: f.time(),
  },
  indexes: [
    { keys: { reportId: 1, metricTypeId: 1 }, serves: 'the values in a report' },
    { keys: { reportId: 1, _id: -1 }, serves: 'the values in a report, newest first' },
    { keys: { metricTypeId: 1, _id: -1 }, serves: 'the values of a measure, newest first' },
  ],
})
export type AudioFileMetricValueDoc = Stored<typeof AudioFileMetricValue>
export type AudioFileMetricValueWire = Wire<typeof AudioFileMetricValue>
