import { generateKeyBetween, generateNKeysBetween } from 'fractional-indexing'
import type { Placed } from './shape.ts'

/** Keys grow where one place is inserted into again and again; longer ones make the whole list be numbered anew. */
const longestKey = 200

/** Where something goes in a list: before or behind another, at an index, or at the end. */
export interface Position {
  beforeId?: string | undefined
  afterId?: string | undefined
  index?: number | undefined
}

/**
 * The order key of a new place in a sorted list, at an index (0 to its length), as fractional-indexing makes them.
 * Where the neighbours' keys leave no room (equal ones after concurrent inserts, foreign texts), all get new ones,
 * which are then in `others`.
 */
export function keyAt(list: Placed[], index: number): { key: string; others: Placed[] } {
  try {
    const key = generateKeyBetween(list[index - 1]?.order ?? null, list[index]?.order ?? null)
    if (key.length <= longestKey) return { key, others: [] }
  } catch {
    // No room between these two, or no keys at all: numbered anew below.
  }
  const keys = keysFor(list.length + 1)
  const [key] = keys.splice(index, 1)
  return { key: key!, others: list.map(({ id }, at) => ({ id, order: keys[at]! })) }
}

/** Order keys for a whole new list. */
export const keysFor = (count: number): string[] => generateNKeysBetween(null, null, count)
