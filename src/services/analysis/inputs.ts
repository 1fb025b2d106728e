import { z } from 'zod'
import { f } from '../../kernel/fields.ts'
import { jsonObject } from '../../kernel/json-object.ts'

/** The most that a result's metadata takes, in bytes as JSON. */
const maxMetadata = 64 * 1024

/** What a bot says that it heard in a recording. */
export const Heard = z.object({
  tempo: z.number().min(1).max(1_000).optional().describe('Beats a minute'),
  key: z
    .string()
    .regex(/^[A-G][#b]?m?$/, 'must be a key such as C#m')
    .optional(),
  genre: f.text(1, 60).optional(),
  confidence: f.fraction().optional(),
  metadata: jsonObject(maxMetadata).optional(),
  modelVersion: f.name(100),
})
