import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

/** How many imports are remembered. */
export const mostImports = 100

/** Tells whose data a database holds: only an export of the same is imported into it. */
export const Lineage = defineEntity('Lineage', {
  description: 'Which instance the data of this database comes from, and what was imported',
  collection: 'lineages',
  archive: { leftOut: 'the first line of an export says it' },
  fields: {
    /** One document, `lineage`. */
    id: z.string(),
    /** Made with the first export; kept by what is imported from it. */
    lineage: f.id(),
    /** Exports that were imported to their end, the newest last. */
    imports: z.array(z.object({ exportId: f.id(), at: f.time() })).max(mostImports),
  },
  indexes: [],
})
export type LineageDoc = Stored<typeof Lineage>
