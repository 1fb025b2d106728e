import { openAll } from './bare-socket.ts'
import type { DeliveriesFigures, DeliveriesJob } from './jobs.ts'
import { RawSocket, type SocketEvents } from './socket.ts'
import { Latencies } from './stats.ts'
import { runId, sendPacket, sentAt } from './text.ts'
import { openWindow, sleep } from './window.ts'

/** A paced window reads the time out of every delivery up to so many a second, and out of every seventh above. */
const READ_ALL_BELOW = 25_000
const DRAIN_MS = 10_000

/**
 * A room's deliveries. Saturated: a message counts as done when it is acked and, on the whole, delivered to every
 * member, and so many may be undone at once; so no backlog grows that only a later drain would show.
 * Paced: messages go out by the clock whatever comes back.
 */
export async function loadDeliveries(job: DeliveriesJob): Promise<DeliveriesFigures> {
  const members = job.sockets.length
  const latencies = new Latencies()
  const stride = job.rate * members <= READ_ALL_BELOW ? 1 : 7
  let phase: 'idle' | 'saturated' | 'paced' = 'idle'
  let measuring = false
  let sent = 0
  let acked = 0
  let delivered = 0
  let bytesIn = 0
  let failure: Error | undefined

  const send = () => {
    const sender = sockets[sent % job.senders]!
    sender.emit(sendPacket(job.roomId, `${runId}-${sent}`, performance.now()))
    sent++
  }
  const pump = () => {
    const done = Math.min(acked, Math.floor(delivered / members))
    while (sent - done < job.window) send()
  }
  const events: SocketEvents = {
    ack(_socket, _id, ok, bytes, start, end) {
      if (!ok) failure ??= new Error(`refused: ${bytes.toString('utf8', start, end)}`)
      acked++
      if (phase === 'saturated') pump()
    },
    message(_socket, bytes, start, end) {
      delivered++
      bytesIn += end - start
      if (phase === 'saturated') {
        if (delivered % members === 0) pump()
      } else if (measuring && delivered % stride === 0) {
        latencies.add(performance.now() - sentAt(bytes, start, end))
      }
    },
    lost(_socket, reason) {
      failure ??= new Error(reason)
    },
  }
  const drain = async () => {
    const until = performance.now() + DRAIN_MS
    while ((delivered < sent * members || acked < sent) && performance.now() < until) await sleep(10)
    return sent * members - delivered
  }
  const sockets = await openAll(members, 32, (index) => {
    const plan = job.sockets[index]!
    return new RawSocket(plan.url, plan.auth, events)
  })

  phase = 'saturated'
  pump()
  await sleep(job.warmMs)
  let close = openWindow(job.serverPids, job.storePids)
  const before = { delivered, sent, bytesIn }
  await sleep(job.measureMs)
  const { serverCpuMs: saturatedCpuMs, ...saturated } = close()
  const during = {
    delivered: delivered - before.delivered,
    sent: sent - before.sent,
    bytesIn: bytesIn - before.bytesIn,
  }
  phase = 'idle'
  await drain()
  if (failure) throw failure
  await sleep(200)

  phase = 'paced'
  const warmPaced = Math.min(1_000, job.pacedMs / 4)
  const start = performance.now()
  const due = () => Math.floor(((performance.now() - start) * job.rate) / 1000)
  const sentBefore = sent
  const timer = setInterval(() => {
    while (sent - sentBefore < due()) send()
  }, 1)
  await sleep(warmPaced)
  close = openWindow(job.serverPids, job.storePids)
  const deliveredBefore = delivered
  measuring = true
  await sleep(job.pacedMs)
  measuring = false
  const { serverCpuMs, ...paced } = close()
  const pacedDelivered = delivered - deliveredBefore
  clearInterval(timer)
  phase = 'idle'
  const missing = await drain()
  if (failure) throw failure
  for (const socket of sockets) socket.destroy()
  const { samples: _, ...latency } = latencies.summary()
  return {
    saturated: {
      ...saturated,
      perSecond: during.delivered / saturated.seconds,
      messagesPerSecond: during.sent / saturated.seconds,
      cpuMicrosPerDelivery: (saturatedCpuMs * 1000) / during.delivered,
      bytesPerDelivery: during.bytesIn / during.delivered,
    },
    paced: {
      ...paced,
      perSecond: pacedDelivered / paced.seconds,
      asked: job.rate * members,
      cpuMicrosPerDelivery: (serverCpuMs * 1000) / pacedDelivered,
      ...latency,
    },
    missing,
  }
}
