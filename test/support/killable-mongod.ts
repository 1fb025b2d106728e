import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mongoose from 'mongoose'
import { findMongod } from '../../scripts/find-tools.ts'

export interface Mongod {
  uri(database: string): string
  /** Ends it as a power cut would, or does nothing where it is not ours. */
  kill(): Promise<void>
  /** Starts it again on the same data. */
  restart(): Promise<void>
  stop(): Promise<void>
  readonly own: boolean
  /** Of our own one. */
  pid(): number | undefined
}

/** A replica set of one: TEST_MONGODB_URI where it is set, else a mongod of our own on a free port. */
export async function startMongod({ own = false, cacheGb = 0.5 } = {}): Promise<Mongod> {
  const given = process.env['TEST_MONGODB_URI']
  if (given && !own) {
    const nothing = async () => {}
    const uri = (database: string) => {
      const url = new URL(given)
      url.pathname = `/${database}`
      return url.href
    }
    return { own: false, pid: () => undefined, uri, kill: nothing, restart: nothing, stop: nothing }
  }
  const { path: binary } = await findMongod(() => {})
  const folder = mkdtempSync(join(tmpdir(), 'mongod-'))
  const port = await freePort()
  const address = `mongodb://127.0.0.1:${port}/?directConnection=true`
  let child: ChildProcess
  const start = async () => {
    const options = ['--dbpath', folder, '--port', String(port), '--bind_ip', '127.0.0.1', '--replSet', 'rs']
    options.push('--wiredTigerCacheSizeGB', String(cacheGb), '--oplogSize', '990', '--quiet')
    child = spawn(binary, options, { stdio: 'ignore' })
    const failed = new Promise<never>((_, reject) => child.once('error', reject))
    failed.catch(() => {})
    await Promise.race([failed, elect()])
  }
  const elect = async () => {
    const client = await new mongoose.mongo.MongoClient(address, { serverSelectionTimeoutMS: 60_000 }).connect()
    try {
      const admin = client.db('admin')
      await admin
        .command({ replSetInitiate: { _id: 'rs', members: [{ _id: 0, host: `127.0.0.1:${port}` }] } })
        .catch((error) => {
          if (error.codeName !== 'AlreadyInitialized') throw error
        })
      for (let tries = 0; !(await admin.command({ hello: 1 })).isWritablePrimary; tries++) {
        if (tries > 1_200) throw new Error('mongod did not become primary')
        await new Promise((done) => setTimeout(done, 50))
      }
    } finally {
      await client.close()
    }
  }
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((done) => child.once('exit', done))
    child.kill(signal)
    await gone
  }
  await start()
  return {
    own: true,
    pid: () => child.pid,
    uri: (database) => `mongodb://127.0.0.1:${port}/${database}?replicaSet=rs`,
    kill: () => end('SIGKILL'),
    restart: start,
    async stop() {
      await end('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }
  await new Promise((done) => server.close(done))
  return port
}
