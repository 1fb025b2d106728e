import { setTimeout as sleep } from 'node:timers/promises'
import { openRawClient, type RawClient } from './raw-client.ts'

/*
 * The clients of the fan-out benchmark, in their own process. Asked to run one load against one port:
 * `window` messages are kept in flight over at most 8 senders (saturated), or `rate` messages a second are sent (paced).
 */
export interface Load {
  port: number
  members: number
  window?: number
  rate?: number
  warmupMs: number
  measureMs: number
}

export interface Seen {
  /** Deliveries and seconds of the measured part. */
  deliveries: number
  seconds: number
  /** Deliveries of the whole run, from the first message to the last one's arrival. */
  total: number
  clientCpu: number
  p50: number
  p99: number
}

const clients: RawClient[] = []
const CONTENT = 'The bridge wants a lower second voice; shall we try it on Thursday at eight?'
const micros = (): number => Math.round(performance.now() * 1000)
/** `2["say",{"t":"<13 digits>","f":"<3 digits>",…}]`: fixed places, so that a receiver need not parse. */
const say = (from: number): string =>
  `2["say",{"t":"${String(micros()).padStart(13, '0')}","f":"${String(from).padStart(3, '0')}","roomId":"01K0ZZZZZZZZZZZZZZZZZZZZZZ","senderId":"01K0YYYYYYYYYYYYYYYYYYYYYY","content":"${CONTENT}"}]`
const TIME_AT = '2["m",{"t":"'.length
const FROM_AT = TIME_AT + 13 + '","f":"'.length
const digits = (chunk: Buffer, at: number, count: number): number => {
  let value = 0
  for (let i = at; i < at + count; i++) value = value * 10 + chunk[i]! - 48
  return value
}

async function openAll(port: number, count: number, onPacket: (i: number, chunk: Buffer, at: number) => void) {
  for (let first = 0; first < count; first += 50) {
    const opened = await Promise.all(
      Array.from({ length: Math.min(50, count - first) }, (_, k) =>
        openRawClient(port, (chunk, at) => onPacket(first + k, chunk, at)),
      ),
    )
    clients.push(...opened)
  }
}

async function run(load: Load): Promise<Seen> {
  let deliveries = 0
  let measuring = false
  let running = true
  let sent = 0
  let received = 0
  const latencies: number[] = []
  const senders = Math.min(load.members, 8)
  const transmit = (from: number): void => {
    sent++
    clients[from]!.send(say(from))
  }
  await openAll(load.port, load.members, (i, chunk, at) => {
    received++
    if (measuring) {
      deliveries++
      // A saturated run's latency is its queue's: only a sample of it is kept.
      if (load.rate || (deliveries & 63) === 0) latencies.push(micros() - digits(chunk, at + TIME_AT, 13))
    }
    if (load.window && running && i < senders && digits(chunk, at + FROM_AT, 3) === i) transmit(i)
  })
  await sleep(100)
  process.send!({ mark: true })
  let timer: NodeJS.Timeout | undefined
  if (load.window) for (let k = 0; k < load.window; k++) transmit(k % senders)
  else {
    let due = performance.now()
    let turn = 0
    timer = setInterval(() => {
      for (; due <= performance.now(); due += 1000 / load.rate!) transmit(turn++ % senders)
    }, 1)
  }
  await sleep(load.warmupMs)
  const cpu = process.cpuUsage()
  const start = performance.now()
  measuring = true
  await sleep(load.measureMs)
  measuring = false
  const seconds = (performance.now() - start) / 1000
  const used = process.cpuUsage(cpu)
  running = false
  clearInterval(timer)
  // All that was said must arrive at everyone, once.
  for (let i = 0; i < 400 && received < sent * load.members; i++) await sleep(25)
  const expected = sent * load.members
  if (received !== expected) throw new Error(`${received} deliveries of ${expected}`)
  process.send!({ mark: true })
  await sleep(100)
  for (const client of clients.splice(0)) client.close()
  latencies.sort((a, b) => a - b)
  const quantile = (q: number): number => (latencies[Math.floor(latencies.length * q)] ?? 0) / 1000
  return {
    deliveries,
    total: received,
    seconds,
    clientCpu: (used.user + used.system) / 1e6 / seconds,
    p50: quantile(0.5),
    p99: quantile(0.99),
  }
}

process.on('message', async (ask: Load | { idle: number; port: number }) => {
  try {
    if ('idle' in ask) {
      await openAll(ask.port, ask.idle, () => {})
      process.send!({ opened: clients.length })
    } else process.send!({ seen: await run(ask) })
  } catch (error) {
    process.send!({ error: String(error) })
  }
})
process.on('disconnect', () => process.exit())
