import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Config } from '../../config.ts'
import type { ObjectStorage } from '../../kernel/storage.ts'
import { createFileStorage } from './files.ts'
import { createS3Storage } from './s3.ts'

/** The storage that `STORAGE_URL` names: `s3://…`, a folder `file:…`, or `uploads` in the data folder without it. */
export async function openStorage(config: Pick<Config, 'storageUrl' | 'dataDir'>): Promise<ObjectStorage> {
  const { storageUrl, dataDir } = config
  if (!storageUrl) return createFileStorage(join(dataDir, 'uploads'))
  if (storageUrl.startsWith('file:')) return createFileStorage(fileURLToPath(storageUrl))
  return createS3Storage(storageUrl)
}
