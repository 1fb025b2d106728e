import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'

const sums = () => z.array(z.number()).max(32)

export const Catalogue = defineEntity('Catalogue', {
  description: 'Running sums over the features of all recordings, and how many musicians are sketched',
  collection: 'catalogues',
  fields: {
    /** One document, `catalogue`. */
    id: z.string(),
    users: z.int().default(0),
    /** For each feature, in units of its reference: how many values, their sum, and the sum of their squares. */
    counts: sums(),
    sums: sums(),
    squares: sums(),
  },
  indexes: [],
})
export type CatalogueDoc = Stored<typeof Catalogue>
