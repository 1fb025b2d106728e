import { io } from 'socket.io-client'
import { openAll } from './bare-socket.ts'
import type { AcksFigures, AcksJob, StockJob } from './jobs.ts'
import { RawSocket, type SocketEvents } from './socket.ts'
import { Latencies } from './stats.ts'
import { runId, sendPacket } from './text.ts'
import { openWindow, sleep } from './window.ts'

const WARM_LIMIT_MS = 60_000

/** Each sender has one message outstanding: acked messages a second, and how long an ack takes. */
export async function loadAcks(job: AcksJob): Promise<AcksFigures> {
  const latencies = new Latencies()
  let measuring = false
  let running = true
  let acked = 0
  let sent = 0
  let failure: Error | undefined
  const send = (socket: RawSocket) => {
    socket.state.sentAt = performance.now()
    socket.emit(sendPacket(socket.state.roomId, `${runId}-${sent++}`, socket.state.sentAt))
  }
  const events: SocketEvents = {
    ack(socket, _id, ok, bytes, start, end) {
      if (!ok) failure ??= new Error(`refused: ${bytes.toString('utf8', start, end)}`)
      if (measuring) {
        latencies.add(performance.now() - socket.state.sentAt)
        acked++
      }
      if (running) send(socket)
    },
    lost(_socket, reason) {
      failure ??= new Error(reason)
    },
  }
  const sockets = await openAll(job.sockets.length, 32, (index) => {
    const plan = job.sockets[index]!
    const socket = new RawSocket(plan.url, plan.auth, events)
    socket.state = { roomId: job.rooms[index], sentAt: 0 }
    return socket
  })
  for (const socket of sockets) send(socket)
  await sleep(job.warmMs)
  const until = performance.now() + WARM_LIMIT_MS
  while (sent < (job.warmAcks ?? 0) && performance.now() < until) await sleep(50)
  const close = openWindow(job.serverPids, job.storePids)
  measuring = true
  await sleep(job.measureMs)
  measuring = false
  const { serverCpuMs, ...window } = close()
  running = false
  if (failure) throw failure
  await sleep(100)
  for (const socket of sockets) socket.destroy()
  const { samples: _, ...latency } = latencies.summary()
  return { ...window, perSecond: acked / window.seconds, cpuMicrosPerAck: (serverCpuMs * 1000) / acked, ...latency }
}

/** The same loop through stock socket.io-client. */
export async function loadStock(job: StockJob): Promise<AcksFigures> {
  const latencies = new Latencies()
  let measuring = false
  let running = true
  let acked = 0
  let sent = 0
  let failure: Error | undefined
  const sockets = await Promise.all(
    job.sockets.map(async (plan) => {
      const socket = io(plan.url, { auth: plan.auth as object, transports: ['websocket'], forceNew: true })
      await new Promise<void>((resolve, reject) => {
        socket.once('ready', () => resolve())
        socket.once('connect_error', reject)
      })
      return socket
    }),
  )
  const send = (index: number) => {
    const start = performance.now()
    const [event, payload] = JSON.parse(sendPacket(job.rooms[index]!, `${runId}-s${sent++}`, start))
    sockets[index]!.emit(event, payload, (answer: { ok: boolean }) => {
      if (!answer.ok) failure ??= new Error(`refused: ${JSON.stringify(answer)}`)
      if (measuring) {
        latencies.add(performance.now() - start)
        acked++
      }
      if (running) send(index)
    })
  }
  sockets.forEach((_, index) => {
    send(index)
  })
  await sleep(job.warmMs)
  const close = openWindow(job.serverPids, job.storePids)
  measuring = true
  await sleep(job.measureMs)
  measuring = false
  const { serverCpuMs, ...window } = close()
  running = false
  if (failure) throw failure
  for (const socket of sockets) socket.disconnect()
  const { samples: _, ...latency } = latencies.summary()
  return { ...window, perSecond: acked / window.seconds, cpuMicrosPerAck: (serverCpuMs * 1000) / acked, ...latency }
}
