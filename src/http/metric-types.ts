import { z } from 'zod'
import { AudioFileMetricType, MetricStatus } from '../../models/AudioFileMetricType.ts'
import { AudioFileMetricTypeStatusLog } from '../../models/AudioFileMetricTypeStatusLog.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { defineRoute } from './define.ts'
import { listOf, listQuery } from './lists.ts'

const tag = 'Measures'
const permission = { action: 'manage', resource: 'MetricType' }
const params = z.object({ id: f.ref('AudioFileMetricType') })
const { name, description, importance } = AudioFileMetricType.spec.fields
const notes = AudioFileMetricTypeStatusLog.spec.fields.notes.describe('Why it has this status')

const list = defineRoute({
  method: 'get',
  path: '/api/v1/metric-types',
  tag,
  summary: 'The measures that audio files are described by, newest first',
  auth: 'user',
  scope: 'audio:read',
  rate: rates.read,
  query: listQuery({ status: MetricStatus.optional() }),
  status: 200,
  answer: listOf(AudioFileMetricType.wire),
  handle: ({ services }, { query }) => services.metricTypes.list(query, query),
})

const create = defineRoute({
  method: 'post',
  path: '/api/v1/metric-types',
  tag,
  summary: 'Makes a measure',
  auth: 'user',
  permission,
  rate: rates.write,
  body: z.strictObject({ name, description, importance, status: MetricStatus.default('development'), notes }),
  example: { name: 'Dynamics Quotient', description: 'Measures variation in loudness over time.', importance: 0.8 },
  status: 201,
  answer: AudioFileMetricType.wire,
  errors: ['conflict'],
  handle: ({ actor, services }, { body }) => services.metricTypes.create(actor, body),
})

const get = defineRoute({
  method: 'get',
  path: '/api/v1/metric-types/{id}',
  tag,
  summary: 'A measure',
  auth: 'user',
  scope: 'audio:read',
  rate: rates.read,
  params,
  status: 200,
  answer: AudioFileMetricType.wire,
  errors: ['not_found'],
  handle: ({ services }, { params }) => services.metricTypes.get(params.id),
})

const update = defineRoute({
  method: 'patch',
  path: '/api/v1/metric-types/{id}',
  tag,
  summary: 'Changes the fields given of a measure; null takes a field away, another status goes into its history',
  auth: 'user',
  permission,
  rate: rates.write,
  params,
  body: z
    .strictObject({
      name: name.optional(),
      description: description.nullable(),
      importance: importance.nullable(),
      status: MetricStatus.optional(),
      notes,
    })
    .refine(({ notes, status }) => notes === undefined || status !== undefined, {
      path: ['notes'],
      message: 'goes with a status',
    }),
  example: { status: 'suspended', notes: 'Temporarily disabled while we recalibrate model outputs' },
  status: 200,
  answer: AudioFileMetricType.wire,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { params, body }) => services.metricTypes.update(actor, params.id, body),
})

const remove = defineRoute({
  method: 'delete',
  path: '/api/v1/metric-types/{id}',
  tag,
  summary: 'Deletes a measure that nothing was measured by, with its history; one with values can only become defunct',
  auth: 'user',
  permission,
  rate: rates.write,
  params,
  status: 204,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { params }) => services.metricTypes.remove(actor, params.id),
})

const history = defineRoute({
  method: 'get',
  path: '/api/v1/metric-types/{id}/status-log',
  tag,
  summary: 'Which status a measure had when, by whom and why, newest first',
  auth: 'user',
  scope: 'audio:read',
  rate: rates.read,
  params,
  query: listQuery({}),
  status: 200,
  answer: listOf(AudioFileMetricTypeStatusLog.wire),
  errors: ['not_found'],
  handle: ({ services }, { params, query }) => services.metricTypes.history(params.id, query),
})

export const metricTypeRoutes = [list, create, get, update, remove, history]
