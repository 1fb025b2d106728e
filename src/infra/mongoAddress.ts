import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startTime } from './dataDirLock.ts'

/** Where the embedded mongod of a running process listens. */
export interface MongoAddress {
  uri: string
  /** The process that the mongod belongs to. */
  pid: number
}

interface Stored extends MongoAddress {
  started: string
}

const addressFile = (dataDir: string) => join(dataDir, 'mongo-address.json')

/** Lets other processes of the same user know where our mongod listens, until `removeAddress`. */
export async function writeAddress(dataDir: string, uri: string): Promise<void> {
  const stored: Stored = { uri, pid: process.pid, started: await startTime(process.pid) }
  const path = addressFile(dataDir)
  // Renamed into its place, so that nobody reads a half.
  await writeFile(`${path}.${process.pid}`, `${JSON.stringify(stored)}\n`, { mode: 0o600 })
  await rename(`${path}.${process.pid}`, path)
}

export async function removeAddress(dataDir: string): Promise<void> {
  await rm(addressFile(dataDir), { force: true })
}

/** The mongod of the process that holds `dataDir` and is ready; undefined where there is none. */
export async function findAddress(dataDir: string): Promise<MongoAddress | undefined> {
  const stored = await readStored(addressFile(dataDir))
  // What a killed process left behind names nobody: a pid alone is given again, so its start time is compared.
  if (!stored || (await startTime(stored.pid)) !== stored.started) return undefined
  return { uri: stored.uri, pid: stored.pid }
}

async function readStored(path: string): Promise<Stored | undefined> {
  try {
    const { uri, pid, started } = JSON.parse(await readFile(path, 'utf8')) as Partial<Stored>
    return typeof uri === 'string' && Number.isInteger(pid) && typeof started === 'string' && started !== ''
      ? { uri, pid: pid!, started }
      : undefined
  } catch (error) {
    // No file, or one that a power cut tore: no address either way.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined
    throw error
  }
}
