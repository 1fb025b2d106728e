import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import mongoose from 'mongoose'
import { type Child, freePort, startChild, waitFor } from './children.ts'

export interface Stores {
  mongoUri(database: string): string
  redisUrl: string | undefined
  pids: number[]
  versions: { mongod: string; redis: string | null }
  dir: string
  /** Forgets a database whose measure is over. */
  drop(database: string): Promise<void>
  stop(): Promise<void>
}

/** One mongod, a replica set of one that all contenders share, each with a database of its own; and a redis-server if one is found. */
export async function startStores(mongod: string, redisServer: string | undefined): Promise<Stores> {
  const dir = await mkdtemp(join(tmpdir(), 'phantom-power-bench-'))
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
  const port = await freePort()
  const mongo = startChild(mongod, [
    ...['--dbpath', dir, '--port', String(port), '--bind_ip', '127.0.0.1', '--replSet', 'bench'],
    ...['--wiredTigerCacheSizeGB', '1', '--setParameter', 'diagnosticDataCollectionEnabled=false', '--quiet'],
  ])
  const direct = `mongodb://127.0.0.1:${port}/?directConnection=true&serverSelectionTimeoutMS=1000`
  const admin = mongoose.createConnection(direct)
  await waitFor('mongod', mongo, async () => {
    await admin.asPromise().catch(() => admin.openUri(direct))
    return true
  })
  await admin
    .db!.admin()
    .command({ replSetInitiate: { _id: 'bench', members: [{ _id: 0, host: `127.0.0.1:${port}` }] } })
  await waitFor('mongod', mongo, async () => (await admin.db!.admin().command({ hello: 1 })).isWritablePrimary === true)

  let redis: Child | undefined
  let redisUrl: string | undefined
  if (redisServer) {
    const redisPort = await freePort()
    redis = startChild(redisServer, [
      ...['--port', String(redisPort), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir],
    ])
    redisUrl = `redis://127.0.0.1:${redisPort}`
    const client = new Redis(redisUrl, { lazyConnect: true, retryStrategy: () => 50 })
    client.on('error', () => {})
    await waitFor('redis-server', redis, async () => (await client.ping()) === 'PONG')
    client.disconnect()
  }
  return {
    mongoUri: (database) => `mongodb://127.0.0.1:${port}/${database}?replicaSet=bench`,
    redisUrl,
    pids: redis ? [mongo.pid, redis.pid] : [mongo.pid],
    versions: { mongod: version(mongod), redis: redisServer ? version(redisServer) : null },
    dir,
    async drop(database) {
      await admin.useDb(database).dropDatabase()
    },
    async stop() {
      await admin.close()
      await Promise.all([mongo.stop('SIGKILL'), redis?.stop('SIGKILL')])
      await rm(dir, { recursive: true, force: true })
    },
  }
}

function version(binary: string): string {
  const out = execFileSync(binary, ['--version'], { encoding: 'utf8' })
  return /v=?(\d+\.\d+\.\d+)/.exec(out)?.[1] ?? 'unknown'
}
