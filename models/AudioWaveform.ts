import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const AudioWaveform = defineEntity('AudioWaveform', {
  description: 'The outline of a recording in several resolutions',
  collection: 'audiowaveforms',
  fields: {
    /** The recording's id. */
    id: f.ref('AudioFile', 'cascade'),
    /** Binary, as `encodeWaveform` writes it: at most 6 MB, of eight channels. */
    data: z.unknown(),
    modelVersion: f.name(100),
  },
  indexes: [],
})
export type AudioWaveformDoc = Stored<typeof AudioWaveform>
