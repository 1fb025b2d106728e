import { decodeCursor, encodeCursor, type Page, type PageRequest } from './page.ts'

/** Messages between two seqs, both exclusive: the newest of them, or with `after` alone the oldest. */
export interface SeqRange {
  before?: number | undefined
  after?: number | undefined
}

/** Stands for a bound that is not there; no seq is negative. */
const open = -1

/**
 * A list's page out of a history: ascending by seq, and the next page goes on in the same direction, back from the
 * newest or, from `after` alone, onwards. A seq is fixed at sending, so that pages are stable. Throws `invalid` for a
 * bad cursor.
 */
export async function seqPage<T extends { seq: number }>(
  range: SeqRange,
  { limit, cursor }: PageRequest,
  read: (range: { before?: number; after?: number; limit: number }) => Promise<{ messages: T[]; more: boolean }>,
): Promise<Page<T>> {
  const [before, after] = decodeCursor(cursor, ['number', 'number']) ?? [range.before ?? open, range.after ?? open]
  const onwards = after >= 0 && before < 0
  const { messages, more } = await read({
    ...(before >= 0 && { before }),
    ...(after >= 0 && { after }),
    limit,
  })
  if (!more) return { items: messages, nextCursor: null }
  const next = onwards ? [open, messages.at(-1)!.seq] : [messages[0]!.seq, after]
  return { items: messages, nextCursor: encodeCursor(next) }
}
