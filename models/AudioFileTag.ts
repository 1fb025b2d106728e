import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const AudioFileTag = defineEntity('AudioFileTag', {
  description: 'A tag on an audio file',
  collection: 'audiofiletags',
  closed: true,
  fields: {
    audioFileId: f.ref('AudioFile', 'cascade'),
    tagId: f.ref('Tag', 'cascade'),
    createdAt: f.time(),
  },
  indexes: [
    { keys: { audioFileId: 1, tagId: 1 }, options: { unique: true }, serves: 'the tags of a file, each once' },
    { keys: { tagId: 1, audioFileId: -1 }, serves: 'the files with a tag, newest first' },
  ],
})
export type AudioFileTagDoc = Stored<typeof AudioFileTag>
export type AudioFileTagWire = Wire<typeof AudioFileTag>
