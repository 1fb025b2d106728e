import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** The real mongod and redis-server to measure with; throws where there is no mongod. */
export async function findStores(): Promise<{ mongod: string; redisServer: string | undefined }> {
  const mongod = process.env.MONGOD_BIN ?? (await onPath('mongod'))
  if (!mongod) throw new Error('no mongod: put one on PATH or name it in MONGOD_BIN')
  return { mongod, redisServer: process.env.REDIS_BIN ?? (await onPath('redis-server')) }
}

async function onPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(folder, name)
    if (
      await access(file, constants.X_OK).then(
        () => true,
        () => false,
      )
    ) {
      return file
    }
  }
  return undefined
}
