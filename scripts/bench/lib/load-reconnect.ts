import { openAll } from './bare-socket.ts'
import type { ReconnectFigures, ReconnectJob, SocketPlan } from './jobs.ts'
import { Ledger } from './ledger.ts'
import { RawSocket } from './socket.ts'
import { runId } from './text.ts'
import { sleep } from './window.ts'

const AWAY_MS = 2_000
const BEFORE_MS = 2_000
const AFTER_MS = 2_000
const GIVE_UP_MS = 60_000
const WRITE_EVERY_MS = 100

/** One client over all its connections: what it has seen, and, for a writer, what it is sending. */
class Client {
  readonly ledgers = new Map<string, Ledger>()
  /** For a server without revs: clientIds in the order of their coming. */
  readonly plain: string[] = []
  socket: RawSocket | undefined
  attempts = 0
  readonly plan: SocketPlan
  private readonly sync: boolean

  constructor(plan: SocketPlan, sync: boolean) {
    this.plan = plan
    this.sync = sync
  }

  create(lost: () => void): RawSocket {
    this.attempts++
    for (const ledger of this.ledgers.values()) ledger.reconnect()
    const take = (payload: any) => {
      if (!this.sync) this.plain.push(payload.clientId)
      else if (payload?.rev) this.ledger(payload.roomId ?? payload.chatRoomId).live(payload.rev, keyOf(payload))
    }
    const socket = new RawSocket(this.plan.url, this.plan.auth, {
      message: (_socket, bytes, start, end) => take(JSON.parse(bytes.toString('utf8', start + 2, end))[1]),
      event: (_socket, name, payload) => {
        if (name.startsWith('room:')) take(payload)
      },
      lost: () => {
        if (this.socket === socket) lost()
      },
    })
    this.socket = socket
    return socket
  }

  /** After the first connection: what came before it is not asked for. */
  begin(): void {
    for (const room of this.socket!.ready.rooms ?? []) {
      if (!this.ledgers.has(room.id)) this.ledgers.set(room.id, new Ledger(room.rev))
    }
  }

  /** Brings every log up to date. */
  async catchUp(): Promise<void> {
    if (!this.sync) return
    let logs = [...this.ledgers].map(([roomId, ledger]) => ({ roomId, rev: ledger.cursor }))
    for (let turn = 0; logs.length > 0; turn++) {
      if (turn > 100) throw new Error('log:sync says `more` without an end')
      const answer = await this.socket!.call('log:sync', { logs }, GIVE_UP_MS)
      logs = []
      for (const log of answer.logs) {
        if (log.error) throw new Error(`log:sync: ${JSON.stringify(log.error)}`)
        this.ledger(log.roomId).synced(
          log.changes.map((change: any) => ({ rev: change.payload.rev, key: keyOf(change.payload) })),
        )
        if (log.more) {
          logs.push({ roomId: log.roomId, rev: log.rev })
          this.ledger(log.roomId).cursor = log.rev
        }
      }
    }
  }

  private ledger(roomId: string): Ledger {
    let ledger = this.ledgers.get(roomId)
    if (!ledger) {
      ledger = new Ledger(0)
      this.ledgers.set(roomId, ledger)
    }
    return ledger
  }
}

const keyOf = (payload: any): string => payload.clientId ?? payload.id ?? `${payload.userId}:${payload.change}`

/** `ask` tells the bench to kill the server and start it anew on its port; it resolves when that is under way. */
export async function loadReconnect(
  job: ReconnectJob,
  ask: (what: 'kill') => Promise<void>,
): Promise<ReconnectFigures> {
  const clients = job.sockets.map((plan) => new Client(plan, job.sync))
  const writers = clients.slice(0, job.writers)
  const readers = clients.slice(job.writers)
  const acked = new Map<string, string>()
  const sent = new Set<string>()
  let writing = true
  let down = false

  const connectAll = async (some: Client[]) => {
    await openAll(some.length, 64, (index) => some[index]!.create(() => {}))
    for (const client of some) client.begin()
  }
  await connectAll(clients)

  const writeOn = async (client: Client, index: number) => {
    let n = 0
    while (writing) {
      const clientId = `${runId}-${index}-${n++}`
      const roomId = job.rooms[index]!
      const payload = { roomId, clientId, content: `message ${n} of writer ${index}` }
      sent.add(clientId)
      for (let tries = 0; ; tries++) {
        if (tries > 200) throw new Error(`${clientId} was not acked`)
        try {
          await client.socket!.call('room:send', payload, 5_000)
          acked.set(clientId, roomId)
          break
        } catch (error) {
          if (!writing) return
          // A lost connection is what this measure is about: send it again, under the same clientId, when back.
          if (!down && !/no ack|connection lost/.test((error as Error).message)) throw error
          await sleep(50)
        }
      }
      await sleep(WRITE_EVERY_MS)
    }
  }
  const writes = Promise.all(writers.map(writeOn))
  writes.catch(() => {})
  await sleep(BEFORE_MS)

  const returning = job.cause === 'kill' ? clients : readers
  const downAt = performance.now()
  down = true
  if (job.cause === 'kill') {
    await ask('kill')
  } else {
    for (const client of returning) client.socket!.destroy()
    await sleep(AWAY_MS)
  }

  let firstOpen = 0
  let start = performance.now()
  let attempts = 0
  const comeBack = async (client: Client): Promise<number> => {
    for (;;) {
      if (performance.now() - downAt > GIVE_UP_MS + 30_000) throw new Error('gave up on reconnecting')
      attempts++
      try {
        await client.create(() => {}).open(GIVE_UP_MS)
        break
      } catch (error) {
        if (!/ECONNREFUSED|ECONNRESET|closed|refused/.test((error as Error).message)) throw error
        await sleep(100 + Math.random() * 100)
      }
    }
    if (!firstOpen) firstOpen = performance.now()
    const readyAt = performance.now()
    await client.catchUp()
    return readyAt
  }
  if (job.cause === 'cut') firstOpen = start
  const readyTimes = await Promise.all(returning.map(comeBack))
  const end = performance.now()
  if (job.cause === 'kill') start = firstOpen
  down = false
  await sleep(AFTER_MS)
  writing = false
  await writes
  await sleep(1_000)

  const figures: ReconnectFigures = {
    clients: returning.length,
    allReadySeconds: (Math.max(...readyTimes) - start) / 1000,
    allSyncedSeconds: (end - start) / 1000,
    downSeconds: (start - downAt) / 1000,
    attempts,
    acked: acked.size,
    anomalies: check(clients, job, acked, sent),
  }
  for (const client of clients) client.socket?.destroy()
  return figures
}

/** Over all clients: acked messages of their rooms that they never saw, and whatever else must not be. */
function check(clients: Client[], job: ReconnectJob, acked: Map<string, string>, sent: Set<string>) {
  const anomalies = { lost: 0, twice: 0, gap: 0, reordered: 0, invented: 0 }
  for (const client of clients) {
    const seen = new Map<string, number>()
    for (const ledger of client.ledgers.values()) {
      anomalies.twice += ledger.twice
      anomalies.reordered += ledger.reordered
      anomalies.gap += ledger.gaps()
      for (const key of ledger.seen.values()) seen.set(key, (seen.get(key) ?? 0) + 1)
    }
    for (const key of client.plain) seen.set(key, (seen.get(key) ?? 0) + 1)
    const rooms = new Set(job.sync ? client.ledgers.keys() : ((client.plan.auth as any).rooms as string[]))
    for (const [clientId, roomId] of acked) if (rooms.has(roomId) && !seen.has(clientId)) anomalies.lost++
    for (const [key, times] of seen) {
      if (!key.startsWith(runId)) continue
      if (!sent.has(key)) anomalies.invented++
      if (times > 1) anomalies.twice++
    }
  }
  return anomalies
}
