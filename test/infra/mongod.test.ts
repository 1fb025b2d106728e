import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import mongoose from 'mongoose'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { findMongod } from '../../scripts/find-tools.ts'
import { startTime } from '../../src/infra/dataDirLock.ts'
import { resolveMongod } from '../../src/infra/mongodBinary.ts'
import { freeze } from '../support/freezing.ts'
import { programArguments } from '../support/programs.ts'

interface Embedder {
  process: ChildProcess
  /** Lines of progress so far. */
  lines: string[]
  uri: string
  mongodPid: number
  error?: string
}

let mongodPath = ''
const dirs: string[] = []
/** mongods that tests left running or killed: none may be there at the end. */
const mongodPids = new Set<number>()

beforeAll(async () => {
  mongodPath = (await findMongod(() => {})).path
}, 300_000)

afterAll(async () => {
  for (const pid of mongodPids) await waitFor(async () => !(await isAlive(pid)), 30_000, `mongod ${pid} to be gone`)
  for (const dir of dirs) await rm(dir, { recursive: true, force: true })
})

async function makeDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'phantom-power-mongod-'))
  dirs.push(dir)
  return dir
}

/** Runs embedder.ts until it is ready or has failed. */
async function embed(dataDir: string, binary = mongodPath): Promise<Embedder> {
  const child = spawn(process.execPath, [...programArguments('test/infra/embedder.ts'), dataDir, binary], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const embedder: Embedder = { process: child, lines: [], uri: '', mongodPid: 0 }
  onTestFinished(() => void child.kill('SIGKILL'))
  await new Promise<void>((settle) => {
    child.on('exit', () => settle())
    createInterface({ input: child.stdout! }).on('line', (text) => {
      const event = JSON.parse(text)
      if (event.event === 'log') embedder.lines.push(event.line)
      if (event.event === 'error') embedder.error = event.message
      if (event.event === 'ready') {
        Object.assign(embedder, { uri: event.uri, mongodPid: event.pid })
        mongodPids.add(event.pid)
        settle()
      }
    })
  })
  return embedder
}

async function embedOrThrow(dataDir: string): Promise<Embedder> {
  const embedder = await embed(dataDir)
  if (!embedder.uri) throw new Error(`the embedder did not start: ${embedder.error}\n${embedder.lines.join('\n')}`)
  return embedder
}

async function closeEmbedder(embedder: Embedder): Promise<void> {
  const exited = new Promise((settle) => embedder.process.once('exit', settle))
  embedder.process.stdin!.write('close\n')
  await exited
}

async function withCollection<T>(uri: string, use: (things: mongoose.mongo.Collection<Thing>) => Promise<T>) {
  const client = new mongoose.mongo.MongoClient(uri, { serverSelectionTimeoutMS: 60_000 })
  try {
    return await use(
      client
        .db()
        .collection<Thing>('things', { writeConcern: { w: 'majority', journal: true }, readConcern: 'majority' }),
    )
  } finally {
    await client.close()
  }
}
interface Thing {
  _id: number
}

const insert = (uri: string, id: number) => withCollection(uri, (things) => things.insertOne({ _id: id }))
const readIds = (uri: string) =>
  withCollection(uri, async (things) => (await things.find().sort({ _id: 1 }).toArray()).map((thing) => thing._id))

async function isAlive(pid: number): Promise<boolean> {
  return (await startTime(pid)) !== ''
}

async function waitFor(condition: () => boolean | Promise<boolean>, ms: number, what: string): Promise<number> {
  const startedAt = Date.now()
  while (!(await condition())) {
    if (Date.now() - startedAt > ms) throw new Error(`waited ${ms} ms for ${what}`)
    await sleep(20)
  }
  return Date.now() - startedAt
}

describe('the embedded MongoDB', () => {
  it('[RUN-01] keeps its data over a clean restart, on another port', async () => {
    const dataDir = await makeDir()
    const first = await embedOrThrow(dataDir)
    await insert(first.uri, 1)
    await closeEmbedder(first)
    expect(await isAlive(first.mongodPid)).toBe(false)

    const second = await embedOrThrow(dataDir)
    expect(second.uri).not.toBe(first.uri)
    expect(await readIds(second.uri)).toEqual([1])
    await closeEmbedder(second)
    expect(await readFile(join(dataDir, 'mongo', 'mongod.lock'), 'utf8')).toBe('')
  })

  it('[RUN-02] ends within 5 s after SIGKILL of its process', async () => {
    const embedder = await embedOrThrow(await makeDir())
    embedder.process.kill('SIGKILL')
    await waitFor(async () => !(await isAlive(embedder.mongodPid)), 5_000, 'mongod to end')
  })

  it('[RUN-03] keeps every acknowledged write over SIGKILL and an immediate start on the same DATA_DIR', async () => {
    const dataDir = await makeDir()
    const acknowledged: number[] = []
    for (let round = 0; round < 2; round++) {
      const embedder = await embedOrThrow(dataDir)
      expect(await readIds(embedder.uri)).toEqual(expect.arrayContaining(acknowledged))
      await withCollection(embedder.uri, async (things) => {
        for (let i = 0; i < 50; i++) {
          await things.insertOne({ _id: round * 100 + i })
          acknowledged.push(round * 100 + i)
        }
        embedder.process.kill('SIGKILL')
      })
    }
    const last = await embedOrThrow(dataDir)
    expect(await readIds(last.uri)).toEqual(acknowledged)
  })

  it('[RUN-04] keeps every acknowledged write when mongod is killed together with its process', async () => {
    const dataDir = await makeDir()
    const first = await embedOrThrow(dataDir)
    await withCollection(first.uri, async (things) => {
      for (let i = 0; i < 50; i++) await things.insertOne({ _id: i })
      process.kill(first.mongodPid, 'SIGKILL')
      first.process.kill('SIGKILL')
    })
    const second = await embedOrThrow(dataDir)
    expect(await readIds(second.uri)).toEqual(Array.from({ length: 50 }, (_, i) => i))
  })

  it('[RUN-05] takes over from a mongod whose supervisor was killed too', async () => {
    const dataDir = await makeDir()
    const first = await embedOrThrow(dataDir)
    await insert(first.uri, 1)
    const statLine = await readFile(`/proc/${first.mongodPid}/stat`, 'utf8')
    const session = Number(statLine.slice(statLine.lastIndexOf(')') + 2).split(' ')[3])
    const supervisors = (await sessionMembers(session)).filter((pid) => pid !== first.mongodPid)
    expect(supervisors.length).toBe(2)
    await freeze(first.process.pid!)
    for (const pid of supervisors) process.kill(pid, 'SIGKILL')
    first.process.kill('SIGKILL')
    await waitFor(() => first.process.signalCode !== null, 30_000, 'the embedder to end')
    expect(await isAlive(first.mongodPid)).toBe(true)

    const second = await embedOrThrow(dataDir)
    expect(second.lines.some((line) => line.includes(`waiting for the one of the last run`))).toBe(true)
    expect(await isAlive(first.mongodPid)).toBe(false)
    expect(await readIds(second.uri)).toEqual([1])
  })

  it('[RUN-06] gives the second of two starts on one DATA_DIR one clear error and does the first no harm', async () => {
    const dataDir = await makeDir()
    const first = await embedOrThrow(dataDir)
    const second = await embed(dataDir)
    expect(second.error).toMatch(`DATA_DIR ${dataDir} is in use by process ${first.process.pid}`)
    await waitFor(() => second.process.exitCode === 1, 30_000, 'the second to end')
    await insert(first.uri, 1)
    expect(await readIds(first.uri)).toEqual([1])
  })

  it('[RUN-07] lets exactly one of several simultaneous starts have a DATA_DIR left by a killed process', async () => {
    const dataDir = await makeDir()
    const former = await embedOrThrow(dataDir)
    await insert(former.uri, 1)
    former.process.kill('SIGKILL')
    const started = await Promise.all([1, 2, 3].map(() => embed(dataDir)))
    const winners = started.filter((embedder) => embedder.uri)
    expect(winners.length).toBe(1)
    for (const { error } of started.filter((embedder) => !embedder.uri)) expect(error).toMatch('is in use by')
    expect(await readIds(winners[0]!.uri)).toEqual([1])
  })

  it('[RUN-08] is started again at the same address when mongod alone is killed', async () => {
    const embedder = await embedOrThrow(await makeDir())
    await withCollection(embedder.uri, async (things) => {
      await things.insertOne({ _id: 1 })
      process.kill(embedder.mongodPid, 'SIGKILL')
      await waitFor(() => embedder.lines.some((line) => line.includes('runs again')), 60_000, 'mongod to run again')
      await things.insertOne({ _id: 2 })
      expect(await things.countDocuments()).toBe(2)
    })
    await closeEmbedder(embedder)
  })

  it('[RUN-09] ends cleanly while mongod is being started again', async () => {
    const embedder = await embedOrThrow(await makeDir())
    process.kill(embedder.mongodPid, 'SIGKILL')
    await waitFor(
      () => embedder.lines.some((line) => line.includes('starting it again')),
      5_000,
      'the restart to begin',
    )
    await closeEmbedder(embedder)
    expect(embedder.process.exitCode).toBe(0)
  })

  it('[RUN-10] says what is wrong where mongod cannot open its data', async () => {
    const dataDir = await makeDir()
    await mkdir(join(dataDir, 'mongo'))
    await writeFile(join(dataDir, 'mongo', 'storage.bson'), 'not BSON at all')
    const embedder = await embed(dataDir)
    expect(embedder.error).toMatch(/mongod ended at once \(exit code 14\): .*storage engine metadata/)
  })
})

describe('the choice of a mongod', () => {
  const quiet = () => {}

  it('[RUN-11] takes the given one, and refuses a given one that does not run', async () => {
    const given = await resolveMongod({ binary: mongodPath, log: quiet })
    expect(given).toMatchObject({ path: mongodPath, source: 'given' })
    await expect(resolveMongod({ binary: '/nowhere/mongod', log: quiet })).rejects.toThrow(
      'MONGOD_BIN=/nowhere/mongod is not a mongod that runs here',
    )
  })

  it('[RUN-12] prefers one on PATH to the cache, and passes over a cached one that does not run', async () => {
    const bin = await makeDir()
    await symlink(mongodPath, join(bin, 'mongod'))
    const cacheDir = await makeDir()
    await writeFile(join(cacheDir, 'mongod-1.0.0-broken'), '#!/bin/sh\nexit 3\n', { mode: 0o755 })
    await symlink(mongodPath, join(cacheDir, 'mongod-6.0.5-cached'))
    const onPath = await resolveMongod({
      cacheDir,
      log: quiet,
      env: { ...process.env, PATH: `${bin}:${process.env['PATH']}` },
    })
    expect(onPath).toMatchObject({ path: join(bin, 'mongod'), source: 'path' })

    const lines: string[] = []
    const cached = await resolveMongod({ cacheDir, log: (line) => lines.push(line), env: await pathWithout('mongod') })
    expect(cached).toMatchObject({ path: join(cacheDir, 'mongod-6.0.5-cached'), source: 'cache' })
    expect(lines.join('\n')).toMatch(/mongod-1\.0\.0-broken does not run: exit code 3/)
  })

  it('[RUN-13] gives one error that says what to do where there is none and nothing can be fetched', async () => {
    const lines: string[] = []
    const startedAt = Date.now()
    const attempt = resolveMongod({
      cacheDir: await makeDir(),
      log: (line) => lines.push(line),
      // A proxy that refuses stands for a machine without network, whatever this one has.
      env: { ...(await pathWithout('mongod')), ...refusingProxy },
    })
    await expect(attempt).rejects.toThrow(/No MongoDB to be had on this machine\. Set MONGODB_URI .* or MONGOD_BIN/)
    expect(Date.now() - startedAt).toBeLessThan(20_000)
    expect(lines.filter((line) => line.includes('failed')).length).toBe(2)
  })
})

const refusingProxy = {
  http_proxy: 'http://127.0.0.1:9',
  https_proxy: 'http://127.0.0.1:9',
  HTTP_PROXY: 'http://127.0.0.1:9',
  HTTPS_PROXY: 'http://127.0.0.1:9',
  no_proxy: '',
  NO_PROXY: '',
  PIP_FIND_LINKS: '',
}

/** Our environment without the folders of PATH that hold `name`. */
async function pathWithout(name: string): Promise<Record<string, string | undefined>> {
  const parts = (process.env['PATH'] ?? '').split(':')
  const kept: string[] = []
  for (const part of parts) if (!(await exists(join(part, name)))) kept.push(part)
  return { ...process.env, PATH: kept.join(':') }
}

async function exists(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  )
}

async function sessionMembers(session: number): Promise<number[]> {
  const members: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    if (Number(fields[3]) === session) members.push(Number(name))
  }
  return members
}
