import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

const metricStatuses = ['active', 'suspended', 'defunct', 'development'] as const
export const MetricStatus = z.enum(metricStatuses)

export const AudioFileMetricType = defineEntity('AudioFileMetricType', {
  description: 'A measure that audio files are described by',
  collection: 'audiofilemetrictypes',
  fields: {
    id: f.id(),
    name: f.name(100),
    description: f.text(0, 2_000).optional(),
    importance: f.fraction().optional(),
    status: MetricStatus,
    createdAt: f.time(),
    updatedAt: f.time().nullable().default(null),
  },
  indexes: [
    { keys: { name: 1 }, options: { unique: true }, serves: 'a measure by its name; one each' },
    { keys: { status: 1, _id: -1 }, serves: 'the measures in use' },
  ],
})
export type AudioFileMetricTypeDoc = Stored<typeof AudioFileMetricType>
export type AudioFileMetricTypeWire = Wire<typeof AudioFileMetricType>
