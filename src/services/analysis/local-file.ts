import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { ObjectStorage } from '../../kernel/storage.ts'

/**
 * Gives `work` the path of a stored object: its own where the storage keeps files, else that of a copy, which goes
 * afterwards. Throws what the storage throws, and a RangeError for more than `maxBytes`.
 */
export async function withLocalFile<T>(
  storage: ObjectStorage,
  key: string,
  maxBytes: number,
  signal: AbortSignal,
  work: (path: string) => Promise<T>,
): Promise<T> {
  if (storage.pathOf) return work(storage.pathOf(key))
  const folder = await mkdtemp(join(tmpdir(), 'phantom-power-analysis-'))
  try {
    const path = join(folder, 'sound')
    async function* bounded(source: AsyncIterable<Uint8Array>) {
      let bytes = 0
      for await (const chunk of source) {
        bytes += chunk.length
        if (bytes > maxBytes) throw new RangeError(`more than the ${maxBytes} bytes that the recording has`)
        yield chunk
      }
    }
    await pipeline(await storage.get(key), bounded, createWriteStream(path, { mode: 0o600 }), { signal })
    return await work(path)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
