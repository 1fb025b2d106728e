import { z } from 'zod'
import { defineEntity } from '../src/kernel/entity.ts'

/** Up to which rev a log's messages are among the search entries. */
export const SearchCursor = defineEntity('SearchCursor', {
  description: 'How far the search index has come in a log',
  archive: { leftOut: 'the index is made anew where somebody searches' },
  collection: 'searchcursors',
  fields: {
    /** The log's id. */
    id: z.string(),
    rev: z.int(),
  },
  indexes: [],
})
