import { z } from 'zod'
import { AIAudioFileAnalysisResult } from '../../models/AIAudioFileAnalysisResult.ts'
import { f } from '../../src/kernel/fields.ts'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'

export const wanted = defineEvent({
  name: 'analysis:wanted',
  summary:
    'Public recordings, newest first, of which a bot has not said what this model of its heard; a page may be empty',
  scope: 'analysis:write',
  rate: rates.read,
  payload: z.object({
    modelVersion: AIAudioFileAnalysisResult.spec.fields.modelVersion,
    limit: z.int().min(1).max(100).default(20),
    cursor: z.string().max(500).optional(),
  }),
  ack: z.object({ audioFileIds: z.array(f.ref('AudioFile', 'keep')), nextCursor: z.string().nullable() }),
  handle: ({ actor, services }, { modelVersion, ...page }) =>
    services.analysis.results.wanted(actor, modelVersion, page),
})
