import { AIAudioFileAnalysisResult } from '../../models/AIAudioFileAnalysisResult.ts'
import { f } from '../../src/kernel/fields.ts'
import { rates } from '../../src/kernel/rate.ts'
import { Heard } from '../../src/services/analysis/inputs.ts'
import { defineEvent } from '../define.ts'

export const add = defineEvent({
  name: 'analysis:add',
  summary: 'Adds what a bot heard in a recording',
  scope: 'analysis:write',
  rate: rates.write,
  payload: Heard.extend({ audioFileId: f.ref('AudioFile') }),
  ack: AIAudioFileAnalysisResult.wire,
  handle: ({ actor, services }, { audioFileId, ...heard }) => services.analysis.results.add(actor, audioFileId, heard),
})
