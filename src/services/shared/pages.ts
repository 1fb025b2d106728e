import type { mongo } from 'mongoose'
import { decodeCursor, type Page, type PageRequest, pageOf } from '../../kernel/page.ts'

/** In which order things are listed, by their ids, which grow with time. */
export type Order = 'newest' | 'oldest'

/**
 * A page of documents by id. What is written meanwhile moves nothing: the cursor is the last id, not a count.
 */
export async function pageById<D extends { _id: string }, T>(
  collection: mongo.Collection<D>,
  filter: object,
  { limit, cursor }: PageRequest,
  present: (doc: D) => T,
  order: Order = 'newest',
): Promise<Page<T>> {
  const after = decodeCursor(cursor, ['string'])
  const rows = await collection
    .find(
      { $and: [filter, after ? { _id: order === 'newest' ? { $lt: after[0] } : { $gt: after[0] } } : {}] } as never,
      {
        maxTimeMS: 5_000,
      },
    )
    .sort({ _id: order === 'newest' ? -1 : 1 })
    .limit(limit + 1)
    .toArray()
  return pageOf(rows as unknown as D[], limit, (row) => [row._id], present)
}

/** The same by a text of the documents that is unique, ascending. */
export async function pageByKey<D, K extends keyof D & string, T>(
  collection: mongo.Collection<D & object>,
  key: K,
  filter: object,
  { limit, cursor }: PageRequest,
  present: (doc: D) => T,
): Promise<Page<T>> {
  const after = decodeCursor(cursor, ['string'])
  const rows = await collection
    .find({ $and: [filter, after ? { [key]: { $gt: after[0] } } : {}] } as never, { maxTimeMS: 5_000 })
    .sort({ [key]: 1 })
    .limit(limit + 1)
    .toArray()
  return pageOf(rows as unknown as D[], limit, (row) => [row[key] as string], present)
}

/** A filter for texts that begin so; use the index of a key in lower case. */
export const beginsWith = (text: string) => ({
  $regex: `^${text
    .trim()
    .toLowerCase()
    .replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')}`,
})
