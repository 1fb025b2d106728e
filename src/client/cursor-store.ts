import type { LogKey } from './changes.ts'
import type { Id, Timestamp } from './protocol.ts'

/** How far one log has been followed, in a form to keep. */
export interface StoredCursor {
  rev: number
  /** The seq up to which all messages have been seen; null where unknown. */
  seq: number | null
  /** When following began; tells new messages from old ones where `seq` is unknown. */
  since: Timestamp
}

export interface StoredCursors {
  /** Whose cursors they are; another user's are not used. */
  userId: Id
  logs: Record<LogKey, StoredCursor>
}

/** Where cursors survive: give `connect` one that outlives the process and nothing said meanwhile is missed. */
export interface CursorStore {
  /** The cursors saved last, or null where there are none. */
  load(): StoredCursors | null | Promise<StoredCursors | null>
  save(cursors: StoredCursors): void | Promise<void>
}

/** Keeps cursors for as long as the object lives. */
export function memoryCursors(initial: StoredCursors | null = null): CursorStore {
  let kept = initial && structuredClone(initial)
  return {
    load: () => kept && structuredClone(kept),
    save: (cursors) => {
      kept = structuredClone(cursors)
    },
  }
}

/** Keeps cursors in `localStorage` (or the Storage given) under `name`. A text that is not cursors counts as none. */
export function localStorageCursors(
  name = 'phantom-power:cursors',
  storage: Pick<Storage, 'getItem' | 'setItem'> = globalThis.localStorage,
): CursorStore {
  return {
    load: () => parseCursors(storage.getItem(name)),
    save: (cursors) => storage.setItem(name, JSON.stringify(cursors)),
  }
}

/** Reads what `JSON.stringify` made of stored cursors; null for anything else. */
export function parseCursors(text: string | null): StoredCursors | null {
  if (text === null) return null
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Written by something else, or cut off: the same as nothing kept.
    return null
  }
  const cursors = value as StoredCursors | null
  if (typeof cursors?.userId !== 'string' || typeof cursors.logs !== 'object' || cursors.logs === null) return null
  const sound = Object.values(cursors.logs).every(
    (log) =>
      Number.isSafeInteger(log?.rev) &&
      (log.seq === null || Number.isSafeInteger(log.seq)) &&
      typeof log.since === 'string',
  )
  return sound ? cursors : null
}
