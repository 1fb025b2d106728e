import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Absolute path of a program: the environment's choice, PATH, or one of the given places; throws where none has it. */
async function findProgram(name: string, chosen: string | undefined, places: string[]): Promise<string> {
  const candidates = [
    ...(chosen ? [chosen] : []),
    ...(process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name)),
    ...places,
  ]
  for (const path of candidates) {
    const usable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (usable) return path
  }
  throw new Error(`${name} was not found: install it, or put it on PATH`)
}

/** The mongod to run. */
export async function findMongod(): Promise<string> {
  const shared = new URL('../find-tools.ts', import.meta.url)
  const present = await access(shared).then(
    () => true,
    () => false,
  )
  if (present) return (await import(pathToFileURL(shared.pathname).href)).findMongod()
  return findProgram('mongod', process.env['MONGOD_BIN'], ['/opt/mongod/mongod'])
}

/** The redis-server to run. */
export const findRedis = (): Promise<string> =>
  findProgram('redis-server', process.env['REDIS_SERVER_BIN'], ['/usr/local/bin/redis-server'])
