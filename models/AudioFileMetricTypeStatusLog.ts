import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'
import { MetricStatus } from './AudioFileMetricType.ts'

export const AudioFileMetricTypeStatusLog = defineEntity('AudioFileMetricTypeStatusLog', {
  description: 'A change of a measure’s status; never changed itself',
  collection: 'audiofilemetrictypestatuslogs',
  fields: {
    id: f.id(),
    metricTypeId: f.ref('AudioFileMetricType', 'cascade'),
    status: MetricStatus,
    changedByUserId: f.ref('User', 'keep'),
    notes: f.text(0, 2_000).optional(),
    changedAt: f.time(),
  },
  indexes: [{ keys: { metricTypeId: 1, _id: -1 }, serves: 'the history of a measure, newest first' }],
})
export type AudioFileMetricTypeStatusLogDoc = Stored<typeof AudioFileMetricTypeStatusLog>
export type AudioFileMetricTypeStatusLogWire = Wire<typeof AudioFileMetricTypeStatusLog>
