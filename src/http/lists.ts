import { z } from 'zod'

const fields = {
  limit: z.coerce.number().int().min(1).max(100).default(50).describe('How many items at most'),
  cursor: z.string().min(1).max(1000).optional().describe('The nextCursor of the page before'),
}

/** The query of a list: `limit` and `cursor`, and the filters given. */
export const listQuery = <T extends z.ZodRawShape>(filters: T) => z.object({ ...fields, ...filters })

/** The answer of a list: a page of items. */
export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable().describe('null on the last page') })

/** A query's yes or no. */
export const flag = () => z.stringbool({ truthy: ['true'], falsy: ['false'] }).optional()

/** In which order a list comes, by when its items were made. */
export const order = (standard: 'newest' | 'oldest') =>
  z.enum(['newest', 'oldest']).default(standard).describe('Which come first')

const seq = z.coerce.number().int().min(0).optional()

/** Where a list of messages begins. */
export const seqRange = {
  before: seq.describe('Messages before this seq: the newest of them, further pages going back'),
  after: seq.describe('Messages after this seq: without `before` the oldest of them, further pages going on'),
}
