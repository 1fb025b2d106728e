/**
 * `node --import tsx scripts/audio/kills.ts`: recordings are analysed while the processes that do it are killed every few
 * seconds; in the end each must be analysed, and once.
 */
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import mongoose from 'mongoose'
import { Accounts } from '../bench/lib/accounts.ts'
import { type Child, freePort, startChild, waitFor } from '../bench/lib/children.ts'
import { RawSocket } from '../bench/lib/socket.ts'
import { startStores } from '../bench/lib/stores.ts'
import { findStores } from '../bench/lib/tools.ts'
import { sleep } from '../bench/lib/window.ts'
import { serverArguments } from '../shared/server-command.ts'
import { renderWave } from './clips/wave.ts'

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '120' },
    users: { type: 'string', default: '5' },
    workers: { type: 'string', default: '2' },
    every: { type: 'string', default: '3' },
    minutes: { type: 'string', default: '20' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  process.stdout.write(`node --import tsx scripts/audio/kills.ts [options]
  --files N    recordings (50)
  --seconds N  of each (120)
  --users N    who upload them (5)
  --workers N  worker processes beside the server (2)
  --every N    seconds from kill to kill, of a worker or of a process that analyses, in turn (3)
  --minutes N  patience (20)
`)
  process.exit(0)
}
const [files, seconds, users, workers, every, minutes] = (
  ['files', 'seconds', 'users', 'workers', 'every', 'minutes'] as const
).map((name) => Number(values[name])) as [number, number, number, number, number, number]

const found = findStores()
const stores = await startStores(found.mongod, found.redisServer)
const database = 'kills'
const port = await freePort()
const env = {
  ...process.env,
  ...{ MONGODB_URI: stores.mongoUri(database), HOST: '127.0.0.1', PORT: String(port), LOG_LEVEL: 'error' },
  ...{ REDIS_URL: stores.redisUrl, RATE_LIMITS: 'off', JWT_SECRET: randomBytes(32).toString('hex') },
  DATA_DIR: `${stores.dir}/data`,
  // The kills are what it is about, and not the pace of uploads.
  UPLOAD_BYTES_PER_SECOND: String(2 ** 30),
}
const start = (role: 'web' | 'worker') =>
  startChild(
    process.execPath,
    serverArguments().map((each) => (each === 'web' ? role : each)),
    env,
  )
const server = start('web')
const url = `http://127.0.0.1:${port}`
await waitFor('the server', server, async () => (await fetch(`${url}/readyz`)).ok)
const helpers: Child[] = Array.from({ length: workers }, () => start('worker'))

const accounts = await Accounts.register(url, users)
const told = new Map<string, number>()
const failed = new Map<string, string>()
for (const token of await accounts.tokens()) {
  await new RawSocket(
    url,
    { token },
    {
      event(_socket, name, payload) {
        if (name === 'analysis:done') told.set(payload.audioFileId, (told.get(payload.audioFileId) ?? 0) + 1)
        if (name === 'analysis:failed') failed.set(payload.audioFileId, payload.reason)
      },
    },
  ).open()
}
const tokens = await accounts.tokens()
const wave = renderWave(seconds)
async function upload(n: number) {
  const form = new FormData()
  form.set('title', `Take ${n}`)
  form.set('file', new Blob([wave as never]), 'take.wav')
  const headers = { Authorization: `Bearer ${tokens[n % users]}` }
  const answer = await fetch(`${url}/api/v1/audio-files`, { method: 'POST', headers, body: form })
  if (!answer.ok) throw new Error(`the upload answered ${answer.status}: ${await answer.text()}`)
}

/** One after the other, while those before are analysed and killed already. */
async function uploadAll() {
  for (let n = 0; n < files; n++) await upload(n)
}

/** Children of the server and the workers: the processes that analyse. */
function analysing(): number[] {
  const parents = new Set([server, ...helpers].map(({ pid }) => pid))
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      return parents.has(parent) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('audio-worker')
    } catch {
      return false
    }
  })
}

const connection = await mongoose.createConnection(stores.mongoUri(database)).asPromise()
const collection = (name: string) => connection.db!.collection(name)
const startedAt = performance.now()
let isUploaded = false
let refused: unknown
uploadAll().then(
  () => {
    isUploaded = true
  },
  (error) => {
    refused = error
  },
)
const kills = { worker: 0, analysing: 0 }
/** Milliseconds from the last sign of a job's holder to the next holder. */
const taken: number[] = []
const seen = new Map<string, { attempts: number; leasedBy: string | null; runAt: number; at: number }>()
let nextKill = startedAt + every * 1000
let left = files
let toldAt = startedAt
while (left > 0 && performance.now() - startedAt < minutes * 60_000) {
  if (refused) throw refused
  const now = performance.now()
  for (const job of await collection('jobs').find({ kind: 'analysis:run' }).toArray()) {
    const { attempts, leasedBy } = job as unknown as { attempts: number; leasedBy: string | null }
    const runAt = (job['runAt'] as Date).getTime()
    const before = seen.get(String(job._id))
    if (before?.leasedBy && leasedBy && before.leasedBy !== leasedBy) taken.push(now - before.at)
    if (!before || before.runAt !== runAt || before.leasedBy !== leasedBy || before.attempts !== attempts)
      seen.set(String(job._id), { attempts, leasedBy, runAt, at: now })
  }
  if (now >= nextKill) {
    nextKill = now + every * 1000
    const pids = analysing()
    const at = Math.floor(Math.random() * Math.max(1, pids.length))
    if (kills.worker > kills.analysing && pids.length > 0) {
      process.kill(pids[at]!, 'SIGKILL')
      kills.analysing++
    } else {
      const victim = kills.worker++ % workers
      await helpers[victim]!.stop('SIGKILL')
      helpers[victim] = start('worker')
    }
  }
  // Asked before, so that none that comes in between is missed.
  const isWhole = isUploaded
  const open = await collection('audiofiles').countDocuments({ 'analysis.state': 'waiting' } as never)
  left = isWhole ? open : Math.max(open, 1)
  if (now - toldAt > 10_000) {
    toldAt = now
    const run = `${kills.worker} and ${kills.analysing} kills`
    process.stderr.write(`${((now - startedAt) / 1000).toFixed(0)} s: ${left} of ${files} wait, ${run}\n`)
  }
  await sleep(100)
}
const took = (performance.now() - startedAt) / 1000
await sleep(500)
const states = await collection('audiofiles')
  .aggregate([{ $group: { _id: '$analysis.state', n: { $sum: 1 } } }])
  .toArray()
const attempts = await collection('audiofiles')
  .aggregate([{ $group: { _id: null, sum: { $sum: '$analysis.attempts' }, most: { $max: '$analysis.attempts' } } }])
  .toArray()
const results = await collection('aiaudiofileanalysisresults').distinct('audioFileId')
const doubled =
  (await collection('aiaudiofileanalysisresults').countDocuments()) -
  results.length +
  (await collection('audiofilereports').countDocuments()) -
  files
const values_ = await collection('audiofilemetricvalues')
  .aggregate([
    { $group: { _id: { r: '$reportId', t: '$metricTypeId' }, n: { $sum: 1 } } },
    { $match: { n: { $gt: 1 } } },
  ])
  .toArray()
process.stdout.write(
  `${[
    `${files} recordings of ${seconds} s, ${took.toFixed(0)} s; killed: ${kills.worker} workers, ${kills.analysing} processes that analyse`,
    `states: ${states.map(({ _id, n }) => `${_id} ${n}`).join(', ')}; results for ${results.length}; twice: ${doubled} results or reports, ${values_.length} values`,
    `told: ${told.size} done, of these ${[...told.values()].filter((n) => n > 1).length} more than once; ${failed.size} failed ${[...new Set(failed.values())].join(' ')}`,
    `begun ${attempts[0]?.['sum']} times, one at most ${attempts[0]?.['most']}; taken up ${taken.length} times, at the latest ${(Math.max(0, ...taken) / 1000).toFixed(1)} s after the last sign of the holder`,
  ].join('\n')}\n`,
)
const isRight =
  left === 0 &&
  // With fewer kills than this nothing is shown.
  kills.worker + kills.analysing >= Math.min(10, files / 5) &&
  failed.size === 0 &&
  results.length === files &&
  doubled === 0 &&
  values_.length === 0 &&
  [...told.values()].every((n) => n === 1) &&
  Math.max(0, ...taken) < 30_000
await connection.close()
await Promise.all([...helpers, server].map((child) => child.stop('SIGKILL')))
await stores.stop()
process.exit(isRight ? 0 : 1)
