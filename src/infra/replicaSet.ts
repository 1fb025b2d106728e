import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import mongoose from 'mongoose'

/** The name of the embedded replica set; also in its data, so it never changes. */
export const REPLICA_SET = 'phantom-power'

const POLL_MS = 25
/** NotYetInitialized, AlreadyInitialized, ConfigurationInProgress, and the states passed while it starts or steps up. */
const PASSING = new Set([94, 23, 109, 10107, 13435, 11602, 91, 189, 211])

/** The part of a stored replica-set configuration that is read here. */
interface StoredConfig {
  version: number
  members: { _id: number; host: string }[]
}

/**
 * Makes the mongod at 127.0.0.1:`port` the PRIMARY of a replica set of one: initiates it where it is new, and corrects
 * the stored address by force where the port was another. Throws after `timeoutMs`, or as soon as `signal` aborts.
 */
export async function becomePrimary(port: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + timeoutMs
  const host = `127.0.0.1:${port}`
  let obstacle = 'it does not listen yet'
  const checkBounds = () => {
    signal.throwIfAborted()
    if (Date.now() > deadline) throw new Error(`mongod is not PRIMARY after ${timeoutMs / 1000} s: ${obstacle}`)
  }
  while (!(await accepts(port))) {
    checkBounds()
    await sleep(POLL_MS, undefined, { signal })
  }
  const client = new mongoose.mongo.MongoClient(`mongodb://${host}/?directConnection=true`, {
    serverSelectionTimeoutMS: 2_000,
    connectTimeoutMS: 2_000,
    socketTimeoutMS: 10_000,
    maxPoolSize: 1,
  })
  try {
    for (;;) {
      checkBounds()
      try {
        const admin = client.db('admin')
        const stored = await readConfig(admin)
        if (!stored) {
          await admin.command({ replSetInitiate: { _id: REPLICA_SET, members: [{ _id: 0, host }] } })
        } else if (stored.members.length !== 1 || stored.members[0]!.host !== host) {
          const config = { ...stored, version: stored.version + 1, members: [{ _id: 0, host }] }
          await admin.command({ replSetReconfig: config, force: true })
        }
        if ((await admin.command({ hello: 1 }))['isWritablePrimary'] === true) return
        obstacle = 'it is not elected yet'
      } catch (error) {
        if (!isPassing(error)) throw error
        obstacle = (error as Error).message
      }
      await sleep(POLL_MS, undefined, { signal })
    }
  } finally {
    await client.close()
  }
}

async function readConfig(admin: mongoose.mongo.Db): Promise<StoredConfig | undefined> {
  try {
    return (await admin.command({ replSetGetConfig: 1 }))['config'] as StoredConfig
  } catch (error) {
    if (error instanceof mongoose.mongo.MongoServerError && error.code === 94) return undefined
    throw error
  }
}

function isPassing(error: unknown): boolean {
  const { mongo } = mongoose
  if (error instanceof mongo.MongoServerError) return PASSING.has(Number(error.code))
  return error instanceof mongo.MongoNetworkError || error instanceof mongo.MongoServerSelectionError
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1_000 })
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
    socket.once('timeout', () => settle(false))
  })
}
