import { z } from 'zod'
import { AIAudioFileAnalysisResult } from '../../models/AIAudioFileAnalysisResult.ts'
import { AudioFileMetricType } from '../../models/AudioFileMetricType.ts'
import { AudioFileMetricValue } from '../../models/AudioFileMetricValue.ts'
import { AudioFileReport } from '../../models/AudioFileReport.ts'
import { UserAudioFileAnalysis } from '../../models/UserAudioFileAnalysis.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { Heard } from '../services/analysis/inputs.ts'
import { defineRoute } from './define.ts'
import { flag, listOf, listQuery } from './lists.ts'

const tag = 'Analysis'
const params = z.object({ id: f.id() })
const reading = { method: 'get', tag, auth: 'optional', scope: 'audio:read', rate: rates.read, params } as const

const report = defineRoute({
  ...reading,
  path: '/api/v1/audio-files/{id}/report',
  summary: 'What is known of a recording, by id; with `expand` the objects, too',
  query: z.object({ expand: flag() }),
  status: 200,
  answer: z.intersection(
    AudioFileReport.wire,
    z.object({
      aiAnalyses: z.array(AIAudioFileAnalysisResult.wire).optional(),
      userAnalyses: z.array(UserAudioFileAnalysis.wire).optional(),
      metricValues: z.array(AudioFileMetricValue.wire).optional(),
    }),
  ),
  errors: ['not_found'],
  handle: ({ actor, services }, { params, query }) => services.analysis.reports.get(actor, params.id, query.expand),
})

const annotate = defineRoute({
  method: 'patch',
  path: '/api/v1/audio-files/{id}/report',
  tag,
  summary: 'Sets the notes of a report; null takes them away',
  auth: 'user',
  access: {
    owner: 'the uploader',
    others: 'forbidden',
    permission: { action: 'manage', resource: 'AudioFileReport' },
  },
  rate: rates.write,
  params,
  body: z.object({ notes: f.text(0, 5_000).nullable() }),
  example: { notes: 'Second mix' },
  status: 200,
  answer: AudioFileReport.wire,
  errors: ['not_found'],
  handle: ({ actor, services }, { params, body }) => services.analysis.reports.annotate(actor, params.id, body.notes),
})

const values = defineRoute({
  ...reading,
  path: '/api/v1/audio-files/{id}/metric-values',
  summary: 'What the measures came to for a recording, newest first',
  query: listQuery({
    metricTypeId: f.ref('AudioFileMetricType').optional(),
    expand: flag().describe('Also gives the measures'),
  }),
  status: 200,
  answer: listOf(AudioFileMetricValue.wire).extend({ metricTypes: z.array(AudioFileMetricType.wire).optional() }),
  errors: ['not_found'],
  handle: ({ actor, services }, { params, query }) => services.analysis.reports.values(actor, params.id, query),
})

const analyses = defineRoute({
  ...reading,
  path: '/api/v1/audio-files/{id}/analyses',
  summary: 'What listeners heard in a recording, newest first',
  query: listQuery({}),
  status: 200,
  answer: listOf(UserAudioFileAnalysis.wire),
  errors: ['not_found'],
  handle: ({ actor, services }, { params, query }) => services.analysis.listeners.list(actor, params.id, query),
})

const { description, mood, genre, instruments, tags } = UserAudioFileAnalysis.spec.fields

const analyse = defineRoute({
  method: 'post',
  path: '/api/v1/audio-files/{id}/analyses',
  tag,
  summary: 'Says what one hears in a recording; again changes the fields given, null takes one away',
  auth: 'user',
  rate: rates.write,
  params,
  body: z.object({
    description: description.nullable(),
    mood: mood.nullable(),
    genre: genre.nullable(),
    instruments: instruments.nullable(),
    tags: tags.nullable(),
  }),
  example: { mood: 'eerie', genre: 'experimental', instruments: ['synth', 'delay'] },
  status: 201,
  answer: UserAudioFileAnalysis.wire,
  errors: ['not_found'],
  handle: ({ actor, services }, { params, body }) => services.analysis.listeners.put(actor, params.id, body),
})

const takeBack = defineRoute({
  method: 'delete',
  path: '/api/v1/audio-files/{id}/analyses',
  tag,
  summary: 'Takes one’s own analysis back; without one nothing changes',
  auth: 'user',
  access: { owner: 'the listener', others: 'nothing' },
  rate: rates.write,
  params,
  status: 204,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.analysis.listeners.remove(actor, params.id),
})

const results = defineRoute({
  ...reading,
  path: '/api/v1/audio-files/{id}/analysis-results',
  summary: 'What programs heard in a recording, newest first',
  query: listQuery({}),
  status: 200,
  answer: listOf(AIAudioFileAnalysisResult.wire),
  errors: ['not_found'],
  handle: ({ actor, services }, { params, query }) => services.analysis.results.list(actor, params.id, query),
})

const addResult = defineRoute({
  method: 'post',
  path: '/api/v1/audio-files/{id}/analysis-results',
  tag,
  summary: 'Adds what a bot heard in a recording',
  auth: 'user',
  scope: 'analysis:write',
  rate: rates.write,
  params,
  body: Heard,
  example: { tempo: 120.5, key: 'C#m', confidence: 0.8, metadata: { timbre: 0.72 }, modelVersion: 'librosa-0.11' },
  status: 201,
  answer: AIAudioFileAnalysisResult.wire,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { params, body }) => services.analysis.results.add(actor, params.id, body),
})

const again = defineRoute({
  method: 'post',
  path: '/api/v1/audio-files/{id}/analyze',
  tag,
  summary: 'Has a recording analysed again, by the present model; sockets of its owner hear how it goes',
  auth: 'user',
  scope: 'audio:write',
  access: {
    owner: 'the uploader',
    others: 'forbidden',
    permission: { action: 'manage', resource: 'AudioFileReport' },
  },
  rate: rates.costly,
  params,
  status: 202,
  answer: z.object({ audioFileId: f.ref('AudioFile') }),
  errors: ['not_found'],
  async handle({ actor, services }, { params }) {
    await services.analyser.ask(actor, params.id)
    return { audioFileId: params.id }
  },
})

const waveform = defineRoute({
  ...reading,
  path: '/api/v1/audio-files/{id}/waveform',
  summary: 'The outline of a recording; not_found until it is analysed',
  query: z.object({
    points: z.coerce.number().int().min(1).max(8_192).default(1_024).describe('How many at most'),
  }),
  status: 200,
  answer: z.object({
    version: z.literal(2),
    channels: z.int(),
    sampleRate: z.int(),
    samplesPerPoint: z.int(),
    length: z.int().describe('How many points'),
    data: z
      .array(z.int().min(-128).max(127))
      .describe('For each point, and in it for each channel, the lowest and the highest sample'),
  }),
  errors: ['not_found'],
  handle: ({ actor, services }, { params, query }) => services.analyser.waveform(actor, params.id, query.points),
})

export const analysisRoutes = [
  report,
  annotate,
  values,
  analyses,
  analyse,
  takeBack,
  results,
  addResult,
  again,
  waveform,
]
