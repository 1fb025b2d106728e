import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Load, Seen } from './fanout-clients.ts'

/*
 * Fan-out to local sockets: stock Socket.IO against the batching adapter, side by side and interleaved.
 *   node --import tsx scripts/bench/fanout.ts [--rounds 5] [--seconds 2] [--json file] [--only saturated,paced,memory]
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    json: { type: 'string' },
    only: { type: 'string', default: 'saturated,paced,memory' },
    kinds: { type: 'string', default: 'stock,batching,batching-emit' },
    idle: { type: 'string', default: '2000' },
  },
})
const rounds = Number(values.rounds)
const measureMs = Number(values.seconds) * 1000
const kinds = values.kinds.split(',')
const scenarios: (Partial<Load> & { name: string; members: number })[] = [
  ...[1, 10, 100, 1000].map((members) => ({ name: `saturated ${members}`, members, window: 64 })),
  { name: 'saturated 100, 8 in flight', members: 100, window: 8 },
  { name: 'saturated 1000, 8 in flight', members: 1000, window: 8 },
  { name: 'paced 100/s to 100', members: 100, rate: 100 },
  { name: 'paced 10/s to 1000', members: 1000, rate: 10 },
]

interface Sample extends Seen {
  kind: string
  scenario: string
  serverCpu: number
  cpuPerDelivery: number
}

const start = (file: string, args: string[], gc = false): ChildProcess =>
  fork(fileURLToPath(new URL(file, import.meta.url)), args, {
    execArgv: ['--import', 'tsx', ...(gc ? ['--expose-gc'] : [])],
  })

async function ask<T>(child: ChildProcess, question: object | string): Promise<T> {
  const answer = once(child, 'message')
  child.send(question)
  return (await answer)[0] as T
}

async function measure(
  kind: string,
  server: ChildProcess,
  port: number,
  clients: ChildProcess,
  load: Load,
  scenario: string,
) {
  type Usage = { cpu: number; at: number; sockets: number }
  // One question after the other: an answer carries no name of its question.
  let before: Promise<Usage> | undefined
  let after: Promise<Usage> | undefined
  const seen = await new Promise<Seen>((resolve, reject) => {
    const listen = (message: { mark?: true; seen?: Seen; error?: string }) => {
      if (!message.mark) {
        clients.off('message', listen)
        if (message.seen) resolve(message.seen)
        else reject(new Error(message.error))
      } else if (!before) before = ask<Usage>(server, 'usage')
      else after = before.then(() => ask<Usage>(server, 'usage'))
    }
    clients.on('message', listen)
    clients.send({ ...load, port })
  })
  const [first, last] = [(await before)!, (await after)!]
  for (let i = 0; i < 100 && (await ask<Usage>(server, 'usage')).sockets > 0; i++) await sleep(50)
  const cpu = last.cpu - first.cpu
  const sample: Sample = {
    kind,
    scenario,
    ...seen,
    serverCpu: cpu / 1000 / (last.at - first.at),
    // Over the whole run, quiet at both ends: in its midst a busy server answers late.
    cpuPerDelivery: cpu / seen.total,
  }
  return sample
}

const median = (numbers: number[]): number => numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN
const samples: Sample[] = []
const wanted = scenarios.filter((scenario) => values.only.includes(scenario.name.split(' ')[0]!))
if (wanted.length > 0) {
  const servers = new Map<string, { child: ChildProcess; port: number }>()
  for (const kind of kinds) {
    const child = start('fanout-server.ts', [kind])
    const [{ port }] = (await once(child, 'message')) as [{ port: number }]
    servers.set(kind, { child, port })
  }
  const clients = start('fanout-clients.ts', [])
  for (let round = 0; round < rounds; round++) {
    for (const { name, ...load } of wanted) {
      // Who goes first changes from round to round.
      const order = kinds.map((_, i) => kinds[(i + round) % kinds.length]!)
      for (const kind of order) {
        const { child, port } = servers.get(kind)!
        samples.push(await measure(kind, child, port, clients, { warmupMs: 500, measureMs, port, ...load }, name))
      }
    }
  }
  clients.disconnect()
  for (const { child } of servers.values()) child.disconnect()
}

const table: Record<string, string | number>[] = []
for (const { name } of wanted) {
  const of = (kind: string, what: (sample: Sample) => number): number =>
    median(samples.filter((sample) => sample.kind === kind && sample.scenario === name).map(what))
  const rate = (kind: string): number => of(kind, (sample) => sample.deliveries / sample.seconds)
  const cost = (kind: string): number => of(kind, (sample) => sample.cpuPerDelivery)
  for (const kind of kinds) {
    table.push({
      scenario: name,
      kind,
      'deliveries/s': Math.round(rate(kind)),
      'of stock': Number((rate(kind) / rate(kinds[0]!)).toFixed(2)),
      'CPU µs/delivery': Number(cost(kind).toFixed(2)),
      'CPU of stock': Number((cost(kind) / cost(kinds[0]!)).toFixed(2)),
      'p50 ms': Number(of(kind, (sample) => sample.p50).toFixed(2)),
      'p99 ms': Number(of(kind, (sample) => sample.p99).toFixed(2)),
      'server CPU': Number(of(kind, (sample) => sample.serverCpu).toFixed(2)),
      'client CPU': Number(of(kind, (sample) => sample.clientCpu).toFixed(2)),
    })
  }
}
if (table.length > 0) console.table(table)

interface Memory {
  rss: number
  heapUsed: number
  external: number
}
const memory: Record<string, string | number>[] = []
if (values.only.includes('memory')) {
  const idle = Number(values.idle)
  for (const [kind, option] of [
    ['stock', ''],
    ['batching', ''],
    ['stock', 'light'],
    ['batching', 'light'],
  ] as const) {
    const server = start('fanout-server.ts', [kind, option], true)
    const [{ port }] = (await once(server, 'message')) as [{ port: number }]
    const clients = start('fanout-clients.ts', [])
    const before = await ask<Memory>(server, 'memory')
    await ask(clients, { idle, port })
    await sleep(1000)
    const after = await ask<Memory>(server, 'memory')
    const each = (what: keyof Memory): number => Number(((after[what] - before[what]) / idle / 1024).toFixed(2))
    memory.push({
      server: `${kind}${option && ', handshakes released'}`,
      connections: idle,
      'RSS KiB each': each('rss'),
      'heap KiB each': each('heapUsed'),
      'external KiB each': each('external'),
    })
    clients.disconnect()
    server.disconnect()
    await once(server, 'exit')
  }
  console.table(memory)
}
if (values.json) {
  const machine = { date: new Date().toISOString(), node: process.version, cpu: cpus()[0]?.model, cores: cpus().length }
  writeFileSync(values.json, `${JSON.stringify({ machine, rounds, measureMs, table, memory, samples }, null, 2)}\n`)
}
