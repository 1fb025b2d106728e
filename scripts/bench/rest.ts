/** `npm run bench:rest`: three routes of ours beside the same written bare. See docs/benchmarks.md. */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import autocannon from 'autocannon'
import mongoose from 'mongoose'
import { newId } from '../../src/kernel/ids.ts'
import { serverArguments } from '../shared/server-command.ts'
import { Accounts } from './lib/accounts.ts'
import { type Child, freePort, startChild, waitFor } from './lib/children.ts'
import { cpuMs, describeMachine } from './lib/machine.ts'
import { replaceSection } from './lib/report.ts'
import { median, spread } from './lib/stats.ts'
import { type Stores, startStores } from './lib/stores.ts'
import { findStores } from './lib/tools.ts'

const USAGE = `npm run bench:rest -- [options]
  --rounds N     interleaved rounds (5)
  --seconds N    of each measurement (5)
  --connections N  at once (16)
  --out FILE     raw figures as JSON (bench-results/rest.json)
  --table        writes the table into docs/benchmarks.md
`
const NAMES = ['ours', 'fastify-native', 'hono-native', 'fastify-mongoose', 'hono-mongoose'] as const
type Name = (typeof NAMES)[number]
const CASES = ['profile', 'messages', 'like'] as const
type Case = (typeof CASES)[number]

interface Contender {
  name: Name
  url: string
  pid: number
  headers: Record<string, string>
  profileOf: string
  roomId: string
  /** Things that can be liked, each once. */
  targets: string[]
  stop(): Promise<void>
}

interface Figures {
  perSecond: number
  p50: number
  p99: number
  cpuMicros: number
}

const LIKABLE = 120_000

async function start(name: Name, stores: Stores): Promise<Contender> {
  const database = `bench_rest_${name.replace('-', '_')}`
  const port = await freePort()
  const [framework, store] = name.split('-')
  const env = {
    ...process.env,
    ...{ MONGODB_URI: stores.mongoUri(database), HOST: '127.0.0.1', PORT: String(port), LOG_LEVEL: 'warn' },
    ...(name === 'ours'
      ? { REDIS_URL: undefined, RATE_LIMITS: 'off', JWT_SECRET: randomBytes(32).toString('hex') }
      : { FRAMEWORK: framework, STORE: store }),
    DATA_DIR: join(stores.dir, database),
  }
  const flags = serverArguments().filter((argument) => argument.startsWith('--'))
  const script = name === 'ours' ? serverArguments() : [...flags, '--import', 'tsx', 'scripts/bench/peers/rest.ts']
  const child: Child = startChild(process.execPath, script, env)
  const url = `http://127.0.0.1:${port}`
  await waitFor(name, child, async () => (await fetch(`${url}/readyz`)).ok)
  const seeded = await (name === 'ours'
    ? seedOurs(url, stores.mongoUri(database))
    : seedBare(stores.mongoUri(database)))
  return { name, url, pid: child.pid, ...seeded, stop: () => child.stop() }
}

const projects = (ownerId: string) =>
  Array.from({ length: LIKABLE }, () => ({
    _id: newId(),
    ownerId,
    title: 'Something to like',
    isOpen: true,
    createdAt: new Date(),
    updatedAt: null,
  }))

async function seedOurs(url: string, uri: string) {
  const accounts = await Accounts.register(url, 2)
  const [token] = await accounts.tokens()
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
  const call = async (method: string, path: string, body?: object) => {
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) }
    const response = await fetch(`${url}/api/v1${path}`, init)
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as any
  }
  const me = await call('GET', '/me')
  await call('PATCH', '/me/profile', { bio: 'Producer. Vocalist.', location: 'Brooklyn, NY' })
  const [roomId] = await accounts.createRooms([[0, 1]])
  for (let n = 0; n < 200; n++) await call('POST', `/chat-rooms/${roomId}/messages`, { content: text(n) })
  const connection = await mongoose.createConnection(uri).asPromise()
  const all = projects(me.user.id)
  await connection.db!.collection('projects').insertMany(all as never)
  await connection.close()
  return { headers, profileOf: me.user.id as string, roomId: roomId!, targets: all.map(({ _id }) => _id) }
}

async function seedBare(uri: string) {
  const connection = await mongoose.createConnection(uri).asPromise()
  const db = connection.db!
  const userId = newId()
  const roomId = newId()
  const now = new Date()
  await db.collection('profiles').insertOne({
    ...{ _id: newId(), userId, displayName: 'User 0', bio: 'Producer. Vocalist.', location: 'Brooklyn, NY' },
    ...{ createdAt: now, updatedAt: null },
  } as never)
  await db.collection('messages').insertMany(
    Array.from({ length: 200 }, (_, n) => ({
      ...{ _id: newId(), chatRoomId: roomId, senderId: userId, type: 'text', content: text(n), replyToId: null },
      ...{ seenBy: [], sentAt: now, updatedAt: null, seq: n + 1, rev: n + 1, seenCount: 0, reactions: [] },
      ...{ mentions: [], attachments: [], pinned: false, deletedAt: null },
    })) as never,
  )
  await connection.close()
  const headers = { 'Content-Type': 'application/json' }
  return { headers, profileOf: userId, roomId, targets: Array.from({ length: LIKABLE }, () => newId()) }
}

const text = (n: number) =>
  `Message ${n}: a take on the bridge, this time with the low end where it belongs, and a hi-hat.`

function requestsOf(contender: Contender, name: Case): Partial<autocannon.Request> {
  const { headers } = contender
  if (name === 'profile') return { method: 'GET', path: `/api/v1/users/${contender.profileOf}/profile`, headers }
  if (name === 'messages')
    return { method: 'GET', path: `/api/v1/chat-rooms/${contender.roomId}/messages?limit=50`, headers }
  return {
    method: 'PUT',
    path: '/api/v1/likes',
    headers,
    setupRequest(request) {
      // Each thing once: what is asked again creates nothing.
      const targetId = contender.targets.pop()
      if (!targetId) throw new Error('nothing is left to like: fewer rounds or seconds')
      return { ...request, body: JSON.stringify({ targetType: 'Project', targetId }) }
    },
  }
}

async function measure(contender: Contender, name: Case, seconds: number, connections: number): Promise<Figures> {
  const before = cpuMs(contender.pid)
  const result = await autocannon({
    url: contender.url,
    connections,
    duration: seconds,
    requests: [requestsOf(contender, name) as autocannon.Request],
  })
  const bad = result.non2xx + result.errors + result.timeouts
  if (bad > 0) throw new Error(`${contender.name} ${name}: ${bad} answers were not 2xx`)
  const done = result['2xx']
  return {
    perSecond: done / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
    cpuMicros: ((cpuMs(contender.pid) - before) * 1000) / done,
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      connections: { type: 'string', default: '16' },
      out: { type: 'string', default: 'bench-results/rest.json' },
      table: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return void process.stdout.write(USAGE)
  const [rounds, seconds, connections] = [values.rounds, values.seconds, values.connections].map(Number) as [
    number,
    number,
    number,
  ]
  const stores = await startStores(findStores().mongod, undefined)
  const series = new Map<string, Figures[]>()
  const contenders: Contender[] = []
  try {
    for (const name of NAMES) {
      contenders.push(await start(name, stores))
      process.stderr.write(`${name} is ready\n`)
    }
    for (const name of CASES) {
      for (const contender of contenders) await measure(contender, name, 2, connections)
      for (let round = 0; round < rounds; round++) {
        for (let turn = 0; turn < contenders.length; turn++) {
          const contender = contenders[(round + turn) % contenders.length]!
          const figures = await measure(contender, name, seconds, connections)
          const key = `${name} ${contender.name}`
          series.set(key, [...(series.get(key) ?? []), figures])
          const { perSecond, p50, p99, cpuMicros } = figures
          process.stderr.write(
            `${name} round ${round + 1} ${contender.name.padEnd(17)} ${perSecond.toFixed(0)}/s p50 ${p50} p99 ${p99} ms, ${cpuMicros.toFixed(0)} µs\n`,
          )
        }
      }
    }
  } finally {
    await Promise.all(contenders.map((contender) => contender.stop()))
    await stores.stop()
  }
  const of = (name: Case, contender: Name, pick: (figures: Figures) => number) =>
    median(series.get(`${name} ${contender}`)!.map(pick))
  const rate = (figures: Figures) => figures.perSecond
  const tail = (figures: Figures) => figures.p99
  const goals = [
    ['one profile a second, over Fastify with the native driver', 'at least', 0.9, 'fastify-native', rate],
    ['one profile a second, over Hono with mongoose lean', 'at least', 1.1, 'hono-mongoose', rate],
    ['p99 of one profile, over Fastify with the native driver', 'at most', 1, 'fastify-native', tail],
  ] as const
  const lines = [
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${describeMachine().cores} cores (${describeMachine().model}), Node ${process.versions.node}, mongod ${stores.versions.mongod}; servers, load and mongod share them. ${connections} connections, medians of ${rounds} interleaved rounds of ${seconds} s.`,
    '',
    '| goal | bound | measured | |',
    '|---|---|---|---|',
    ...goals.map(([what, sense, bound, peer, pick]) => {
      const value = of('profile', 'ours', pick) / of('profile', peer, pick)
      const met = sense === 'at least' ? value >= bound : value <= bound
      return `| ${what} | ${sense} ${bound} | ${value.toFixed(2)} | ${met ? 'met' : '**short**'} |`
    }),
    '',
    '| case | contender | requests/s | p50 ms | p99 ms | server CPU µs each |',
    '|---|---|---:|---:|---:|---:|',
    ...CASES.flatMap((name) =>
      NAMES.map((contender) => {
        const rates = series.get(`${name} ${contender}`)!.map(rate)
        const figures = [(f: Figures) => f.p50, tail, (f: Figures) => f.cpuMicros].map((pick) =>
          of(name, contender, pick),
        )
        return `| ${name} | ${contender} | ${median(rates).toFixed(0)} ±${((spread(rates) / 2) * 100).toFixed(0)} % | ${figures.map((value) => value.toFixed(1)).join(' | ')} |`
      }),
    ),
  ]
  await mkdir(dirname(values.out), { recursive: true })
  await writeFile(values.out, `${JSON.stringify(Object.fromEntries(series), null, 2)}\n`)
  process.stdout.write(`${lines.join('\n')}\n`)
  if (values.table) {
    const file = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url))
    await writeFile(file, replaceSection(await readFile(file, 'utf8'), 'bench:rest', lines.join('\n')))
  }
}

main().catch((error: Error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exitCode = 1
})
