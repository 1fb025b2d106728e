/**
 * The fault run: instances, MongoDB, Redis and connections are killed, frozen and cut off by a seeded schedule while
 * clients talk over the public contract; in the end their histories are held against the stored logs.
 */

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '../shared/random.ts'
import { serverArguments } from '../shared/server-command.ts'
import { checkBoards } from './boards/checker.ts'
import { createBoardHistory } from './boards/history.ts'
import { createBoardLoad } from './boards/load.ts'
import { check } from './checker.ts'
import { type Cluster, startCluster } from './cluster.ts'
import type { Device } from './device.ts'
import { dumpHistory } from './dump.ts'
import { planFaults, runFaults } from './faults.ts'
import { createHistory, type History } from './history.ts'
import { createLoad, type Load } from './load.ts'
import { type Options, parseOptions, USAGE } from './options.ts'
import { countKills, findTooFewEdits, findTooLittle, formatOutcome, formatSchedule, type Outcome } from './report.ts'
import { killAll } from './service.ts'
import { readTruth } from './truth.ts'

const SETTLE_MS = 60_000
/** The faults may take so many times what was asked for. */
const MAX_OVERTIME = 2.5
/** Longest for a live change to reach everybody, with no fault about. */
const DELIVERY_MS = 20_000

async function run(options: Options, cluster: Cluster, history: History): Promise<Outcome> {
  const random = createRandom(options.seed)
  const urls = cluster.instances.map((instance) => instance.url)
  const load = await createLoad(urls, random.fork('load'), history)
  const boardHistory = createBoardHistory()
  const boards = options.naive ? null : await createBoardLoad(urls, random.fork('boards'), boardHistory)
  try {
    const schedule = planFaults(random.fork('faults'), options.seconds * 1000)
    console.log(`Faults: ${formatSchedule(schedule)}`)
    load.start()
    boards?.start()
    const startedAt = performance.now()
    const faults = runFaults(schedule, cluster, [...load.devices, ...(boards?.clients ?? [])])
    const progress = setInterval(() => {
      const up = cluster.instances.filter((instance) => instance.service.state() === 'up').length
      const connected = load.devices.filter((device) => device.connected()).length
      console.log(
        `${String(Math.round((performance.now() - startedAt) / 1000)).padStart(5)} s  acked ${load.acked()}  events ${countEvents(load)}  edits ${boardHistory.edits.length}  kills ${countKills(faults.done)}  up ${up}/${cluster.instances.length}  clients ${connected}/${load.devices.length}  pending ${load.pending()}`,
      )
    }, 10_000)
    // On a slow machine the schedule takes longer; but not for ever.
    const overtime = setTimeout(() => faults.stop(), options.seconds * 1000 * MAX_OVERTIME)
    try {
      await faults.finished
      await sleep(Math.max(0, options.seconds * 1000 - (performance.now() - startedAt)))
    } finally {
      clearInterval(progress)
      clearTimeout(overtime)
    }
    const seconds = (performance.now() - startedAt) / 1000
    await settle(cluster, load, history)
    await readTruth(cluster.instances, load.logs(), history)
    history.endedAt = performance.now()
    for (const { name, service } of cluster.instances)
      for (let i = 0; i < service.crashes(); i++)
        history.notices.push({ at: history.endedAt, client: name, kind: 'crashed', code: 'internal' })
    if (boards) {
      await boards.settle(SETTLE_MS)
      load.stop()
      // Nothing is left but what MongoDB holds.
      await Promise.all(cluster.instances.map((instance) => instance.service.kill()))
      await cluster.instances[0]!.service.start()
      boards.stop()
      await boards.readStored()
    }
    if (options.keep) await dumpHistory(cluster.folder, history, faults.events)
    const events = countEvents(load)
    const sends = history.ops.filter((op) => op.kind === 'send' && !op.expectConflict)
    return {
      at: new Date().toISOString(),
      options,
      schedule: schedule.length,
      seconds,
      kills: countKills(faults.done),
      faults: faults.done,
      skipped: faults.skipped(),
      failures: faults.failures,
      acked: load.acked(),
      events,
      operations: history.ops.length,
      unacked: sends.filter(
        (op) => !op.attempts.some((attempt) => attempt.outcome !== 'closed' && attempt.outcome !== 'open'),
      ).length,
      verdict: check(history),
      boards: boards && {
        edits: boardHistory.edits.length,
        seen: boardHistory.sightings.length,
        verdict: checkBoards(boardHistory),
      },
      tooLittle: [
        ...findTooLittle(options.seconds, countKills(faults.done), load.acked(), events, faults.done),
        ...(boards ? findTooFewEdits(options.seconds, boardHistory.edits.length, boardHistory.sightings.length) : []),
      ],
    }
  } finally {
    load.stop()
    boards?.stop()
  }
}

const countEvents = (load: Load): number => load.devices.reduce((sum, device) => sum + device.eventsSeen(), 0)

/** Everything up, every answer given, everybody caught up; then a quiet time in which all must come live. */
async function settle(cluster: Cluster, load: Load, history: History): Promise<void> {
  await Promise.all([cluster.mongod, cluster.redis].map((service) => service.start()))
  await Promise.all(cluster.instances.map((instance) => instance.service.start()))
  await load.drain(SETTLE_MS)
  await catchUp(load, history)
  history.quietAt = performance.now()
  const probes = await load.probe()
  const deadline = performance.now() + DELIVERY_MS
  // Who must have which probe is the checker's to say: here we wait until nothing more comes.
  for (let last = -1, still = 0; performance.now() < deadline && still < 10; still++) {
    await sleep(300)
    const delivered = load.devices.reduce(
      (sum, device) => sum + probes.filter(({ log, rev }) => device.has(log, rev)).length,
      0,
    )
    if (delivered !== last) still = 0
    last = delivered
  }
  // One more catching-up for those whose connection broke in the quiet time.
  await catchUp(load, history)
}

/** Waits until every client is up to date; writes down who is not, with everything up for so long. */
async function catchUp(load: Load, history: History): Promise<void> {
  const deadline = performance.now() + SETTLE_MS
  const late = (): Device[] => load.devices.filter((device) => !device.current())
  while (late().length > 0 && performance.now() < deadline) await sleep(50)
  for (const device of late()) {
    const code = device.connected() ? 'not up to date' : 'not connected'
    history.notices.push({ at: performance.now(), client: device.name, kind: 'stuck', code })
  }
}

/** What the instances call errors, for who has nothing but this run's output. */
async function tellErrors(cluster: Cluster): Promise<void> {
  for (const [index, { name }] of cluster.instances.entries()) {
    const text = await readFile(join(cluster.folder, `instance-${index + 1}.log`), 'utf8')
    const errors = text.split('\n').filter((line) => /"level":[56]0/.test(line))
    for (const line of errors.slice(0, 5)) console.log(`${name}: ${line.slice(0, 2_000)}`)
  }
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2))
  console.log(`Seed ${options.seed}; repeat with --seed ${options.seed}`)
  const entry = options.naive ? ['--import', 'tsx', 'scripts/chaos/naive-app.ts'] : serverArguments()
  const cluster = await startCluster(options.instances, entry, options.keep)
  const history = { ...createHistory(), stock: options.naive }
  let outcome: Outcome
  try {
    outcome = await run(options, cluster, history)
    if (outcome.verdict.total > 0) await tellErrors(cluster)
  } finally {
    await cluster.stop()
    if (options.keep) console.log(`Data, logs and history: ${cluster.folder}`)
  }
  console.log(formatOutcome(outcome))
  if (options.json) await writeFile(options.json, `${JSON.stringify(outcome, null, 2)}\n`)
  const anomalies = outcome.verdict.total + (outcome.boards?.verdict.total ?? 0)
  return anomalies > 0 || outcome.tooLittle.length > 0 || outcome.failures.length > 0 ? 1 : 0
}

process.on('exit', killAll)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  if (String(error).includes('argument') || String(error).includes('takes a')) console.error(USAGE)
  process.exitCode = 2
} finally {
  // Broken client connections may hold timers; all that matters is done.
  process.exit()
}
