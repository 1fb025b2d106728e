import type { DataStore } from '@tus/server'
import { AppError } from '../../kernel/errors.ts'

/**
 * Keeps in mind what the writes of a datastore throw, by key: the protocol's server takes some of it for a client that
 * went, and may answer for a stream that ends early before the storage has said why.
 */
export function watchWrites(datastore: DataStore) {
  const failures = new Map<string, AppError>()
  /** Those under way. */
  const writes = new Map<string, Promise<unknown>>()
  const write = datastore.write.bind(datastore)
  datastore.write = (source, key, offset) => {
    const written = write(source, key, offset).catch((error) => {
      if (error instanceof AppError) failures.set(key, error)
      throw error
    })
    const ended = written.then(
      () => {},
      // Whoever called `write` gets the failure.
      () => {},
    )
    writes.set(key, ended)
    void ended.then(() => writes.get(key) === ended && writes.delete(key))
    return written
  }

  return {
    /** Resolves when no write of the key is under way. */
    async ended(key: string): Promise<void> {
      await writes.get(key)
    },

    /** What the last write of the key threw, told once. */
    takeFailure(key: string): AppError | undefined {
      const failure = failures.get(key)
      failures.delete(key)
      return failure
    },
  }
}
