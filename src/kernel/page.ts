import { invalid } from './errors.ts'

/** What of a list is asked for: the items after a cursor. */
export interface PageRequest {
  limit: number
  cursor?: string | undefined
}

export interface Page<T> {
  items: T[]
  /** Where the next page starts; null when this is the last. */
  nextCursor: string | null
}

/** The cursor of a place in a list: its sort keys, in a form that clients don't take apart. */
export const encodeCursor = (keys: (string | number)[]): string =>
  Buffer.from(JSON.stringify(keys)).toString('base64url')

/**
 * The sort keys of a cursor, checked against the types expected, such as `['number', 'string']`; null without a cursor.
 * Throws `invalid` for anything that `encodeCursor` didn't make.
 */
export function decodeCursor<const T extends ('string' | 'number')[]>(
  cursor: string | undefined,
  types: T,
): { [K in keyof T]: T[K] extends 'number' ? number : string } | null {
  if (cursor === undefined) return null
  try {
    const keys: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (Array.isArray(keys) && keys.length === types.length && keys.every((key, i) => typeof key === types[i])) {
      return keys as never
    }
  } catch {
    // Not JSON: answered below like any other cursor that isn't ours.
  }
  throw invalid('is not a cursor of this list', 'cursor')
}

/** A page out of up to `limit + 1` rows: the extra row only tells that there is more. */
export function pageOf<R, T>(
  rows: R[],
  limit: number,
  keysOf: (row: R) => (string | number)[],
  present: (row: R) => T,
): Page<T> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    items: shown.map(present),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor(keysOf(last)) : null,
  }
}
