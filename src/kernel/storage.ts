import type { Readable } from 'node:stream'
import type { DataStore, Upload } from '@tus/server'

/** Bytes from `start` to `end`, both within. */
export interface ByteRange {
  start: number
  end: number
}

export interface StoredObject {
  key: string
  bytes: number
  changedAt: Date
}

/** What is known of resumable uploads beside their bytes. */
export interface ResumableStates {
  get(id: string): Promise<Pick<Upload, 'size' | 'metadata' | 'creation_date'> | undefined>
}

export interface PutOptions {
  /** Nobody needs the chunks once they are written: their memory may be given back at once, and they are empty then. */
  isConsumed?: boolean
}

/**
 * Where uploaded bytes are kept, by key such as `audio/01H…`. Throws `unavailable` with status 507 where no room is
 * left, `not_found` for a key that holds nothing.
 */
export interface ObjectStorage {
  /** Keeps what comes, durable when it resolves; a failed attempt leaves nothing. Returns how many bytes it was. */
  put(key: string, source: AsyncIterable<Uint8Array>, options?: PutOptions): Promise<number>
  /** The bytes, or a range of them; the caller reads or destroys the stream. */
  get(key: string, range?: ByteRange): Promise<Readable>
  /** Where the bytes are as a file, where they are one. */
  pathOf?(key: string): string
  /** null where the key holds nothing. */
  head(key: string): Promise<StoredObject | null>
  /** Does nothing where the key holds nothing. */
  remove(key: string): Promise<void>
  /** The objects whose keys begin so, in no order. */
  list(prefix: string): AsyncIterable<StoredObject>
  /** For the tus protocol, whose ids are keys here. */
  resumable(states: ResumableStates): DataStore
  /** Ends what was begun and never finished before `before`, where the storage keeps such things out of `list`. */
  sweep(before: Date): Promise<void>
  close(): void
}
