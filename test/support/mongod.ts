import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import mongoose from 'mongoose'
import { findMongod } from '../../scripts/find-tools.ts'

/** Longest wait for a mongod to come up, in milliseconds. */
const startMs = 60_000

export interface TestMongod {
  uri: string
  /** `keeps`: for a database whose users have all ended well, so that no transaction of theirs is left open. */
  close(options?: { keeps?: boolean }): Promise<void>
}

interface Spare {
  _id: string
}

/**
 * A replica set of one for tests, with a database of its own: at `TEST_MONGODB_URI` where that is set, else a mongod
 * found as the server finds one, on a free port and an empty folder, gone with `close`. `reuses`: an empty database that
 * another suite kept, with its collections and indexes, where there is one: to build those takes a server seconds.
 */
export async function startTestMongod(database: string, { reuses = false } = {}): Promise<TestMongod> {
  const given = process.env['TEST_MONGODB_URI']
  const server = given ? { uri: given, close: async () => {} } : await spawnMongod()
  const connection = await mongoose.createConnection(server.uri).asPromise()
  const client = connection.getClient()
  const spares = client.db('spares').collection<Spare>('databases')
  const spare = reuses ? await spares.findOneAndDelete({}) : null
  const name = spare?._id ?? `${database}_${process.pid}_${Date.now().toString(36)}`
  const url = new URL(server.uri)
  url.pathname = `/${name}`
  return {
    uri: url.href,
    async close({ keeps = false } = {}) {
      try {
        const db = client.db(name)
        if (keeps) {
          for (const collection of await db.collections()) await collection.deleteMany({})
          await spares.insertOne({ _id: name })
        } else {
          await db.dropDatabase()
        }
      } finally {
        await connection.close()
        await server.close()
      }
    },
  }
}

async function spawnMongod(): Promise<TestMongod> {
  const folder = await mkdtemp(join(tmpdir(), 'phantom-mongod-'))
  const port = await freePort()
  const { path } = await findMongod(() => {})
  const args = ['--dbpath', folder, '--port', `${port}`, '--bind_ip', '127.0.0.1', '--replSet', 'test', '--quiet']
  const child = await spawnFirst([path], [...args, '--wiredTigerCacheSizeGB', '0.25']).catch(async (error) => {
    await rm(folder, { recursive: true, force: true })
    throw error
  })
  const close = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await initiate(port, child)
  } catch (error) {
    await close()
    throw error
  }
  return { uri: `mongodb://127.0.0.1:${port}/?replicaSet=test`, close }
}

async function spawnFirst(binaries: string[], args: string[]): Promise<ChildProcess> {
  for (const binary of binaries) {
    const child = spawn(binary, args, { stdio: 'ignore' })
    const failed = await new Promise<boolean>((done) => {
      child.once('spawn', () => done(false)).once('error', () => done(true))
    })
    if (!failed) return child
  }
  throw new Error(`No mongod at ${binaries.join(', ')}: set TEST_MONGODB_URI or MONGOD_BIN`)
}

async function initiate(port: number, child: ChildProcess) {
  const options = { directConnection: true, serverSelectionTimeoutMS: startMs }
  const connection = await mongoose.createConnection(`mongodb://127.0.0.1:${port}/admin`, options).asPromise()
  try {
    const admin = connection.db!.admin()
    await admin.command({
      replSetInitiate: { _id: 'test', members: [{ _id: 0, host: `127.0.0.1:${port}` }] },
    })
    const deadline = Date.now() + startMs
    while (!(await admin.command({ hello: 1 }))['isWritablePrimary']) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error('The test mongod did not become primary')
      await sleep(50)
    }
  } finally {
    await connection.close()
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
