import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'

/**
 * Milliseconds of CPU that a process has used, in all its threads, those that have ended as well; to 10 ms, which is what
 * /proc counts in. NaN where there is none.
 */
export function cpuMs(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * 10
  } catch {
    return Number.NaN
  }
}

/** What /proc/stat says of all cores together, in milliseconds by column; NaN where there is none. */
function hostTimes(): number[] {
  try {
    const columns = readFileSync('/proc/stat', 'utf8').split('\n')[0]!.split(/\s+/).slice(1)
    return columns.map((ticks) => Number(ticks) * 10)
  } catch {
    return []
  }
}

/** Milliseconds that all cores together were busy or taken away by the host since the start. NaN where /proc does not tell. */
export function hostBusyMs(): number {
  const [user = Number.NaN, nice, system, , , irq, softirq, steal] = hostTimes()
  return user + nice! + system! + irq! + softirq! + steal!
}

/** Milliseconds that the host gave to others while somebody here wanted them, of all cores together. 0 where nothing tells. */
export const hostStolenMs = (): number => hostTimes()[7] ?? 0

/** Resident bytes of a process. NaN where /proc does not tell. */
export function rssBytes(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
  } catch {
    return Number.NaN
  }
}

/** What the figures were taken on. */
export function describeMachine() {
  return {
    cores: cpus().length,
    model: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
  }
}
