import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

/** The words of a room's message, apart from the log: a text index on the log itself would slow every message. */
export const SearchEntry = defineEntity('SearchEntry', {
  description: 'What of a message can be searched for',
  archive: { leftOut: 'the index is made anew where somebody searches' },
  collection: 'searchentries',
  fields: {
    /** The message's id. */
    id: f.id(),
    logId: z.string(),
    /** The message's rev that this is the text of. */
    rev: z.int(),
    content: z.string(),
  },
  indexes: [
    {
      keys: { content: 'text' },
      // No language: no words are left out, none are cut down to stems.
      options: { name: 'search', default_language: 'none' },
      serves: 'searching messages by words',
    },
  ],
})
export type SearchEntryDoc = Stored<typeof SearchEntry>
