import { z } from 'zod'
import { defineEmission } from '../../src/kernel/event.ts'
import { f } from '../../src/kernel/fields.ts'

const audioFileId = f.ref('AudioFile')

export const analysisEmissions = [
  defineEmission({
    name: 'analysis:progress',
    summary: 'How far the analysis of one’s recording has come, 0 to 100; at most ten a second',
    payload: z.object({ audioFileId, stage: z.string(), percent: z.number().min(0).max(100) }),
  }),
  defineEmission({
    name: 'analysis:done',
    summary: 'What is heard in one’s recording is in its report',
    payload: z.object({ audioFileId, reportId: f.ref('AudioFileReport') }),
  }),
  defineEmission({
    name: 'analysis:failed',
    summary: 'One’s recording could not be analysed, and will not be unless one asks again',
    payload: z.object({
      audioFileId,
      reason: z.string().describe('empty, unsupported, malformed, no_audio, too_long, timeout, memory and such'),
    }),
  }),
  defineEmission({
    name: 'audio:new',
    summary: 'A recording is public from now on; to bots with `analysis:write` and `audio:read`',
    payload: z.object({ audioFileId }),
  }),
] as const
