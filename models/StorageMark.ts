import { defineEntity } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

/** Kept in the storage too: a database that is not the storage's own must not take its files for orphans. */
export const StorageMark = defineEntity('StorageMark', {
  description: 'Names the storage that belongs to this database',
  archive: { leftOut: 'two databases with one mark would take each other’s files for orphans' },
  collection: 'storagemarks',
  fields: { id: f.text(1, 20), mark: f.id() },
  indexes: [],
})
