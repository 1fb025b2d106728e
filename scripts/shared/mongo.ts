import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../../src/config.ts'
import { findHolder } from '../../src/infra/dataDirLock.ts'
import { findAddress } from '../../src/infra/mongoAddress.ts'
import { startEmbeddedMongo } from '../../src/infra/mongod.ts'

/** A MongoDB that a command may use until `close`. */
export interface ReachedMongo {
  uri: string
  /** For people: whose it is. */
  whose: string
  close(): Promise<void>
}

/** An instance that has taken its folder may still be starting its mongod, and another command may be at work. */
const patienceMs = 60_000

/**
 * The MongoDB that the instances use: MONGODB_URI; else that of the instance which runs on DATA_DIR; else one of our
 * own on it, for as long as the command takes, which nobody else gets to see.
 */
export async function reachMongo(
  config: Pick<Config, 'mongodbUri' | 'dataDir' | 'mongodBin'>,
  log: (line: string) => void,
): Promise<ReachedMongo> {
  const { mongodbUri, dataDir, mongodBin } = config
  if (mongodbUri) return { uri: mongodbUri, whose: 'that of MONGODB_URI', close: async () => {} }
  const deadline = Date.now() + patienceMs
  for (let told = false; ; await sleep(200)) {
    const address = await findAddress(dataDir)
    if (address) return { uri: address.uri, whose: `that of process ${address.pid}`, close: async () => {} }
    const holder = await findHolder(dataDir)
    if (holder === undefined) {
      try {
        const own = await startEmbeddedMongo({ dataDir, binary: mongodBin, shared: false, log })
        return { uri: own.uri, whose: 'started for this command', close: () => own.close() }
      } catch (error) {
        // Somebody took the folder between the look and the start: wait for them like for others.
        if ((await findHolder(dataDir)) === undefined) throw error
      }
    } else if (Date.now() > deadline) {
      throw new Error(
        `Process ${holder} holds DATA_DIR ${dataDir}, and its MongoDB is not ready. See what it does, or stop it`,
      )
    }
    if (!told) log(`waiting for the process that holds ${dataDir}`)
    told = true
  }
}
