import type { WindowFigures } from './jobs.ts'
import { cpuMs, hostBusyMs } from './machine.ts'

/** Opens a measured window; the returned function closes it and tells its length and who used how much CPU in it. */
export function openWindow(serverPids: number[], storePids: number[]): () => WindowFigures & { serverCpuMs: number } {
  const sum = (pids: number[]) => pids.reduce((total, pid) => total + cpuMs(pid), 0)
  const start = performance.now()
  const host = hostBusyMs()
  const own = process.cpuUsage()
  const servers = sum(serverPids)
  const stores = sum(storePids)
  return () => {
    const ms = performance.now() - start
    const used = process.cpuUsage(own)
    const serverCpuMs = sum(serverPids) - servers
    const clientCpu = (used.user + used.system) / 10 / ms
    const storeCpu = ((sum(storePids) - stores) / ms) * 100
    const serverCpu = (serverCpuMs / ms) * 100
    return {
      seconds: ms / 1000,
      clientCpu,
      serverCpu,
      storeCpu,
      othersCpu: Math.max(0, ((hostBusyMs() - host) / ms) * 100 - clientCpu - serverCpu - storeCpu),
      clientSaturated: clientCpu > 85 && clientCpu > serverCpu / serverPids.length,
      serverCpuMs,
    }
  }
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
