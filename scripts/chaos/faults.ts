import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../shared/random.ts'
import type { Cluster } from './cluster.ts'
import type { Service } from './service.ts'

export const FAULT_KINDS = [
  'kill instance',
  'kill redis',
  'kill mongod',
  'freeze instance',
  'freeze redis',
  'freeze mongod',
  'cut redis connections',
  'pause redis',
  'cut client',
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

export interface Fault {
  kind: FaultKind
  /** ms from the start of the run. */
  at: number
  /** ms that it stays dead, frozen or paused. */
  hold: number
  /** Which of the instances or clients, or which kind of connection; taken modulo their number. */
  target: number
}

/** Per minute, and how long each lasts (ms): 24 kills of processes a minute, so over 100 in five. */
const RATES: Record<FaultKind, { perMinute: number; hold: [number, number] }> = {
  'kill instance': { perMinute: 15, hold: [50, 1500] },
  'kill redis': { perMinute: 6, hold: [0, 2000] },
  'kill mongod': { perMinute: 3, hold: [0, 1000] },
  'freeze instance': { perMinute: 3, hold: [500, 4000] },
  'freeze redis': { perMinute: 2, hold: [500, 3000] },
  'freeze mongod': { perMinute: 2, hold: [500, 3000] },
  'cut redis connections': { perMinute: 5, hold: [0, 0] },
  'pause redis': { perMinute: 3, hold: [300, 2500] },
  'cut client': { perMinute: 15, hold: [0, 0] },
}

/** The faults of a run, by time: each kind evenly over the run, shifted at random. Pure: a seed gives one schedule. */
export function planFaults(random: Random, durationMs: number): Fault[] {
  const faults: Fault[] = []
  for (const kind of FAULT_KINDS) {
    const own = random.fork(kind)
    const { perMinute, hold } = RATES[kind]
    const count = Math.max(1, Math.round((perMinute * durationMs) / 60_000))
    const slot = durationMs / count
    for (let i = 0; i < count; i++)
      faults.push({
        kind,
        at: Math.floor(slot * (i + 0.1 + 0.7 * own.next())),
        hold: own.int(...hold),
        target: own.int(0, 1_000_000),
      })
  }
  return faults.sort((a, b) => a.at - b.at)
}

interface FaultEvent {
  kind: FaultKind
  victim: string
  at: number
  over: number | null
}

export interface FaultRun {
  /** How many of each kind took place. */
  readonly done: Record<FaultKind, number>
  /** Faults that found nothing to hit. */
  skipped(): number
  /** What hit whom, when it struck and when it was over. */
  readonly events: FaultEvent[]
  /** Errors of processes that did not come back. */
  readonly failures: string[]
  /** Resolves when the last fault is over and everything is up again. */
  finished: Promise<void>
  stop(): void
}

/** Longest that a fault waits for something to hit, and that a process may take to come back. */
const MAX_WAIT_MS = 20_000
const START_MS = 60_000

type Hit = { service: Service; event: FaultEvent }

/** A client whose connection can be cut. */
export interface Cuttable {
  readonly name: string
  connected(): boolean
  cut(): void
}

/** Carries the schedule out. */
export function runFaults(schedule: Fault[], cluster: Cluster, devices: Cuttable[]): FaultRun {
  const done = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<FaultKind, number>
  const failures: string[] = []
  const events: FaultEvent[] = []
  const startedAt = performance.now()
  let skipped = 0
  const stopped = new AbortController()
  setMaxListeners(schedule.length + 10, stopped.signal)

  const instances = cluster.instances.map((instance) => instance.service)
  const countUp = (): number => instances.filter((service) => service.state() === 'up').length
  let turn: Promise<unknown> = Promise.resolve()

  /**
   * Waits for one of the services to be up, beginning with the one aimed at, and for `others` instances beside it: on
   * a slow machine faults come later rather than so close that nothing ever runs between them.
   */
  async function findUp(services: Service[], target: number, others: number): Promise<Service | null> {
    for (let waited = 0; waited < MAX_WAIT_MS && !stopped.signal.aborted; waited += 50) {
      if (countUp() >= others)
        for (let i = 0; i < services.length; i++) {
          const service = services[(target + i) % services.length]!
          if (service.state() === 'up') return service
        }
      await sleep(50)
    }
    return null
  }

  /** One after another the faults find their victims and hit them; how long they last may overlap. */
  function hit(services: Service[], fault: Fault, strike: (service: Service) => unknown): Promise<Hit | null> {
    const others = Math.min(services === instances ? 2 : 1, instances.length)
    const mine = turn.then(async () => {
      const service = await findUp(services, fault.target, others)
      if (!service || (await strike(service)) === false) return null
      done[fault.kind]++
      const event: FaultEvent = { kind: fault.kind, victim: service.name, at: performance.now(), over: null }
      events.push(event)
      return { service, event }
    })
    // A failure is this fault's own, told by `mine`; the next takes its turn all the same.
    turn = mine.catch(() => null)
    return mine
  }

  async function kill(services: Service[], fault: Fault): Promise<boolean> {
    const struck = await hit(services, fault, (victim) => victim.kill())
    if (!struck) return false
    await sleep(fault.hold)
    await struck.service.start(START_MS)
    struck.event.over = performance.now()
    return true
  }

  async function freeze(services: Service[], fault: Fault): Promise<boolean> {
    const struck = await hit(services, fault, (victim) => victim.freeze())
    if (!struck) return false
    await sleep(fault.hold)
    struck.service.thaw()
    struck.event.over = performance.now()
    return true
  }

  async function command(fault: Fault, ...words: string[]): Promise<boolean> {
    return (await hit([cluster.redis], fault, () => cluster.commandRedis(...words))) !== null
  }

  async function cutClient(fault: Fault): Promise<boolean> {
    const connected = devices.filter((device) => device.connected())
    const device = connected[fault.target % Math.max(1, connected.length)]
    if (!device) return false
    device.cut()
    events.push({ kind: fault.kind, victim: device.name, at: performance.now(), over: null })
    done[fault.kind]++
    return true
  }

  const acts: Record<FaultKind, (fault: Fault) => Promise<boolean>> = {
    'kill instance': (fault) => kill(instances, fault),
    'kill redis': (fault) => kill([cluster.redis], fault),
    'kill mongod': (fault) => kill([cluster.mongod], fault),
    'freeze instance': (fault) => freeze(instances, fault),
    'freeze redis': (fault) => freeze([cluster.redis], fault),
    'freeze mongod': (fault) => freeze([cluster.mongod], fault),
    'cut redis connections': (fault) =>
      command(fault, 'CLIENT', 'KILL', 'TYPE', fault.target % 2 ? 'pubsub' : 'normal'),
    'pause redis': (fault) => command(fault, 'CLIENT', 'PAUSE', String(fault.hold), 'ALL'),
    'cut client': cutClient,
  }

  async function carryOut(fault: Fault): Promise<void> {
    try {
      await sleep(Math.max(0, fault.at - (performance.now() - startedAt)), undefined, { signal: stopped.signal })
    } catch {
      return // The run was ended early.
    }
    try {
      if (!(await acts[fault.kind](fault))) skipped++
    } catch (error) {
      failures.push(`${fault.kind}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  return {
    done,
    events,
    failures,
    skipped: () => skipped,
    stop: () => stopped.abort(),
    finished: Promise.all(schedule.map(carryOut)).then(() => undefined),
  }
}
