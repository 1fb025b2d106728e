import { openAll } from './bare-socket.ts'
import type { MemoryFigures, MemoryJob } from './jobs.ts'
import { rssBytes } from './machine.ts'
import { RawSocket } from './socket.ts'
import { sleep } from './window.ts'

/** Resident bytes a connection adds: a few come and go first, so that what is loaded once counts with the idle process. */
export async function loadMemory(job: MemoryJob): Promise<MemoryFigures> {
  let lost = 0
  const open = (count: number) =>
    openAll(count, 32, (index) => {
      const plan = job.sockets[index]!
      return new RawSocket(plan.url, plan.auth, { lost: () => lost++ })
    })
  const rss = () => job.serverPids.reduce((total, pid) => total + rssBytes(pid), 0)
  const collect = async () => {
    // The servers of this measure run with a hook that collects on this signal (lib/gc-hook.ts).
    for (let turn = 0; turn < 2; turn++) {
      for (const pid of job.serverPids) process.kill(pid, 'SIGUSR2')
      await sleep(1_500)
    }
  }

  for (const socket of await open(job.warmSockets)) socket.destroy()
  await sleep(job.settleMs)
  await collect()
  const idleBytes = rss()
  const start = performance.now()
  const sockets = await open(job.sockets.length)
  const connectSeconds = (performance.now() - start) / 1000
  await sleep(job.settleMs)
  const settledBytes = rss()
  await collect()
  const collectedBytes = rss()
  if (lost > 0) throw new Error(`${lost} connections were lost while idle`)
  for (const socket of sockets) socket.destroy()
  return {
    sockets: sockets.length,
    idleBytes,
    settledBytes,
    collectedBytes,
    bytesPerConnection: (collectedBytes - idleBytes) / sockets.length,
    bytesPerConnectionUncollected: (settledBytes - idleBytes) / sockets.length,
    connectSeconds,
  }
}
