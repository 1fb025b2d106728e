import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, opendir, rm, rmdir, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { notFound } from '../../kernel/errors.ts'
import type { ObjectStorage } from '../../kernel/storage.ts'
import { checkKey, storageFailure } from './failures.ts'
import { release } from './release.ts'
import { createResumableFiles } from './resumable-files.ts'

const isMissing = (error: unknown) => (error as NodeJS.ErrnoException | null)?.code === 'ENOENT'

/** Writes all of a chunk, wherever the operating system takes a part of it only. */
async function writeWhole(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  let written = 0
  while (written < chunk.length) {
    const { bytesWritten } = await file.write(chunk, written, chunk.length - written, position + written)
    written += bytesWritten
  }
}

/**
 * Bytes go to the disk as they come, after so many of a file: what lies in memory until the end is written in one go then,
 * and the database's journal, often on the same disk, waits behind it.
 */
const flushBytes = 2 * 2 ** 20

/** Writes all that comes, from a place in the file on, and tells after each chunk where the file ends. */
export async function writeAll(
  file: FileHandle,
  source: AsyncIterable<Uint8Array>,
  from: number,
  isConsumed: boolean,
  written: (end: number) => void,
): Promise<void> {
  let end = from
  let flushed = from
  for await (const chunk of source) {
    const { length } = chunk
    await writeWhole(file, chunk, end)
    if (isConsumed) release(chunk)
    end += length
    written(end)
    if (end - flushed < flushBytes) continue
    await file.datasync()
    flushed = end
  }
}

/** A folder as storage: each key is a file. Instances on several machines must share the folder. */
export function createFileStorage(root: string): ObjectStorage {
  const pathOf = (key: string) => join(root, ...checkKey(key).split('/'))

  async function* walk(folder: string): AsyncGenerator<string> {
    let entries: Awaited<ReturnType<typeof opendir>>
    try {
      entries = await opendir(folder)
    } catch (error) {
      if (isMissing(error)) return
      throw error
    }
    for await (const entry of entries) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) yield* walk(path)
      else if (entry.isFile()) yield path
    }
  }

  /** A folder of its own, such as that of a picture's sizes, goes with its last file. */
  async function prune(key: string, path: string) {
    if (key.split('/').length < 3) return
    await rmdir(dirname(path)).catch((error) => {
      if (!['ENOTEMPTY', 'ENOENT', 'EEXIST'].includes(error.code)) throw error
    })
  }

  async function head(key: string) {
    try {
      const { size, mtime } = await stat(pathOf(key))
      return { key, bytes: size, changedAt: mtime }
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }

  return {
    head,
    pathOf,
    async put(key, source, { isConsumed = false } = {}) {
      const path = pathOf(key)
      let file: FileHandle | undefined
      try {
        await mkdir(dirname(path), { recursive: true })
        file = await open(path, 'w')
        let bytes = 0
        await writeAll(file, source, 0, isConsumed, (end) => {
          bytes = end
        })
        await file.sync()
        await file.close()
        return bytes
      } catch (error) {
        await file?.close().catch(() => {})
        await rm(path, { force: true })
        await prune(key, path)
        throw storageFailure(error)
      }
    },
    async get(key, range) {
      let file: FileHandle
      try {
        file = await open(pathOf(key), 'r')
      } catch (error) {
        if (isMissing(error)) throw notFound('File')
        throw error
      }
      return createReadStream('', { fd: file, ...range, highWaterMark: 256 * 1024 })
    },
    async remove(key) {
      const path = pathOf(key)
      await rm(path, { force: true })
      await prune(key, path)
    },
    async *list(prefix) {
      // Whole folders are left out by name; the rest is told by the key itself.
      const folder = prefix.includes('/') ? join(root, ...prefix.split('/').slice(0, -1)) : root
      for await (const path of walk(folder)) {
        const key = relative(root, path).split(sep).join('/')
        if (!key.startsWith(prefix)) continue
        const found = await head(key)
        if (found) yield found
      }
    },
    resumable: (states) => createResumableFiles(pathOf, states),
    sweep: async () => {},
    close() {},
  }
}
