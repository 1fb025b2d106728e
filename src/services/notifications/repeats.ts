import type { Logger } from '../../kernel/ports.ts'

/** Things that wait to be told again; what comes beyond is told at once. */
const maxWaiting = 10_000

/** Tells of things that change in quick succession: each at most once in `everyMs`, as it is by then. */
export function createRepeats(deps: { tell(id: string): Promise<void>; logger: Logger; everyMs?: number }) {
  const waiting = new Map<string, NodeJS.Timeout>()
  const tell = (id: string) =>
    deps.tell(id).catch((error) => deps.logger.warn({ err: error, id }, 'could not tell of a notification that grew'))

  return {
    add(id: string): void {
      if (waiting.has(id)) return
      if (waiting.size >= maxWaiting) {
        void tell(id)
        return
      }
      const timer = setTimeout(() => {
        waiting.delete(id)
        void tell(id)
      }, deps.everyMs ?? 1_000)
      timer.unref()
      waiting.set(id, timer)
    },
    close(): void {
      for (const timer of waiting.values()) clearTimeout(timer)
      waiting.clear()
    },
  }
}
