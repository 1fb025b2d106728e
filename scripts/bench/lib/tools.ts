import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The real mongod and redis-server to measure with, from MONGOD_BIN, REDIS_BIN or PATH; throws where there is no mongod. */
export function findStores(): { mongod: string; redisServer: string | undefined } {
  const mongod = process.env.MONGOD_BIN ?? onPath('mongod')
  if (!mongod) throw new Error('no mongod: put one on PATH or name it in MONGOD_BIN')
  return { mongod, redisServer: process.env.REDIS_BIN ?? onPath('redis-server') }
}

function onPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file))
}
