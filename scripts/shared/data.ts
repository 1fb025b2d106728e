import { pino } from 'pino'
import { entities } from '../../models/index.ts'
import type { Config } from '../../src/config.ts'
import { connectMongo, type Database } from '../../src/infra/mongo.ts'
import { openStorage } from '../../src/infra/storage/storage.ts'
import type { ObjectStorage } from '../../src/kernel/storage.ts'
import { reachMongo } from './mongo.ts'

/** How long a command waits for MongoDB before it says that it is out of reach, in milliseconds. */
const patienceMs = 10_000

export interface OpenData {
  database: Database
  storage: ObjectStorage | null
  close(): Promise<void>
}

/** The database and the storage that the instances use, without services. */
export async function openData(
  config: Config,
  needsStorage: boolean,
  progress: (line: string) => void,
): Promise<OpenData> {
  const logger = pino({ level: 'warn', base: null }, pino.destination({ dest: 2, sync: true }))
  const mongo = await reachMongo(config, progress)
  let database: Database | undefined
  let storage: ObjectStorage | null = null
  const close = async () => {
    storage?.close()
    await database?.close()
    await mongo.close()
  }
  try {
    database = await connectMongo(mongo.uri, entities, logger, { selectMs: patienceMs, startMs: 0, poolSize: 5 })
    if (needsStorage) storage = await openStorage(config)
    return { database, storage, close }
  } catch (error) {
    await close()
    throw error
  }
}
