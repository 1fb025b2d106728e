import { Piscina } from 'piscina'
import { AppError } from '../kernel/errors.ts'
import { pack } from './protocol.ts'
import { BrokenFrame } from './types.ts'
import type { Answer, Task } from './worker.ts'

/** An update that takes longer than this to apply is refused, in milliseconds. */
const proveMs = 5_000
/** How long a thread may take to start; that is nobody's update's fault. */
const startMs = 30_000
const replayMs = 60_000
const maxQueue = 64

export interface Threads {
  /** The state that updates make when they are applied in turn. Throws where they don’t fit together. */
  replay(parts: Uint8Array[]): Promise<{ state: Uint8Array; stateVector: Uint8Array }>
  /** Throws BrokenFrame where an update can’t be applied to a document of these parts, or not in time. */
  prove(parts: Uint8Array[], update: Uint8Array): Promise<void>
  close(): Promise<void>
}

/** Run as they are, the sources need their loader in the worker too; bundled, the worker lies beside the server. */
const isSource = import.meta.url.endsWith('.ts')
const filename = new URL(isSource ? './worker.ts' : './board-worker.mjs', import.meta.url).href

/** Worker threads for what would hold up the event loop; none run while there is nothing to do. */
export function createThreads(): Threads {
  let pool: Piscina | undefined

  function open(): Piscina {
    pool ??= new Piscina({
      filename,
      minThreads: 0,
      maxThreads: 1,
      maxQueue,
      idleTimeout: 30_000,
      execArgv: isSource ? ['--import', 'tsx'] : [],
      resourceLimits: { maxOldGenerationSizeMb: 1024 },
    })
    return pool
  }

  /** A task's time begins when it does: what waits for a thread, or for others, is not to blame. */
  async function run(task: Task, ms: number): Promise<Answer> {
    const own = open()
    try {
      await own.run({ type: 'start' } satisfies Task, { signal: AbortSignal.timeout(startMs) })
    } catch (error) {
      throw new AppError('unavailable', 'No worker has started in time', { retryAfterMs: 1000, cause: error })
    }
    if (own.queueSize >= maxQueue)
      throw new AppError('unavailable', 'Too much waits for a worker', { retryAfterMs: 1000 })
    const abort = new AbortController()
    // One thread: what is ahead of it takes at most as long each.
    const timer = setTimeout(() => abort.abort(), ms * (own.queueSize + 1))
    try {
      return (await own.run(task, {
        signal: abort.signal,
        transferList: 'parts' in task ? [task.parts.buffer as ArrayBuffer] : [],
      })) as Answer
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    async replay(parts) {
      const answer = await run({ type: 'replay', parts: pack(parts) }, replayMs)
      if (answer.type !== 'replayed') throw new Error(answer.type === 'broken' ? answer.reason : 'not replayed')
      return answer
    },
    async prove(parts, update) {
      let answer: Answer
      try {
        answer = await run({ type: 'prove', parts: pack(parts), update: Uint8Array.from(update) }, proveMs)
      } catch (error) {
        if ((error as Error).name !== 'AbortError') throw error
        throw new BrokenFrame('it takes too long', { cause: error })
      }
      if (answer.type === 'broken') throw new BrokenFrame(answer.reason)
    },
    async close() {
      await pool?.destroy()
      pool = undefined
    },
  }
}
