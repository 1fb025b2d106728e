import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../kernel/ports.ts'

export interface Background {
  /** Does work after the answer; what it throws is logged. Beyond the bound it is refused, and that is logged. */
  run(name: string, work: () => Promise<void>): void
  /** Resolves when nothing waits or runs, or after `ms`; what is left then is logged. */
  idle(ms: number): Promise<void>
}

/** Work that nobody waits for, such as mails: a few at once, and a bound on those waiting. */
export function createBackground(log: Logger, { atOnce = 4, waiting = 1_000 } = {}): Background {
  const queue: { name: string; work: () => Promise<void> }[] = []
  let running = 0
  let idlers: (() => void)[] = []

  async function drain() {
    running++
    for (let next = queue.shift(); next; next = queue.shift()) {
      try {
        await next.work()
      } catch (error) {
        log.error({ err: error, work: next.name }, 'Background work failed')
      }
    }
    running--
    if (running === 0) {
      for (const idler of idlers) idler()
      idlers = []
    }
  }

  return {
    run(name, work) {
      if (queue.length >= waiting) {
        log.error({ work: name, waiting }, 'Background work refused: too much waits')
        return
      }
      queue.push({ name, work })
      if (running < atOnce) void drain()
    },
    async idle(ms) {
      if (running === 0) return
      const done = new Promise<true>((resolve) => idlers.push(() => resolve(true)))
      const inTime = await Promise.race([done, sleep(ms, false, { ref: false })])
      if (!inTime) log.error({ left: queue.length + running }, 'Background work left undone')
    },
  }
}
