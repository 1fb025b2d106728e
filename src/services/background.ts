import type { Logger } from '../kernel/ports.ts'

export interface Background {
  /** Does work after the answer; what it throws is logged. Beyond the bound it is refused, and that is logged. */
  run(name: string, work: () => Promise<void>): void
  /** Resolves when nothing waits or runs. */
  idle(): Promise<void>
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
    async idle() {
      if (running > 0) await new Promise<void>((done) => idlers.push(done))
    },
  }
}
