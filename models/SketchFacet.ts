import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'

export const SketchFacet = defineEntity('SketchFacet', {
  description: 'How many sketches of musicians have a facet: rare ones tell more',
  collection: 'sketchfacets',
  fields: {
    id: z.string().max(100),
    users: z.int(),
  },
  indexes: [],
})
export type SketchFacetDoc = Stored<typeof SketchFacet>
