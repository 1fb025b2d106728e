// The process that analyses. It is started by pool.ts, and ends with the process that started it.
import { readdirSync } from 'node:fs'
import os from 'node:os'
import { analyse } from '../analyse.ts'
import { DecodeError } from '../decode/index.ts'
import { type WorkerMessage, type WorkerTask, workerNiceness } from './messages.ts'

const PROGRESS_MS = 100

/** Priorities are of threads on Linux: those that V8 and libuv have started already are lowered too. */
function lowerPriority() {
  let threads = [0]
  try {
    threads = readdirSync('/proc/self/task').map(Number)
  } catch {
    // Not Linux: the priority is the process's.
  }
  for (const thread of threads) {
    try {
      os.setPriority(thread, workerNiceness)
    } catch (error) {
      // A thread may have ended since, and a system may not allow it: the work is done all the same.
      console.error(`the priority of thread ${thread} stays: ${error instanceof Error ? error.message : error}`)
    }
  }
}

function tell(message: WorkerMessage) {
  process.send?.(message, undefined, undefined, (error) => {
    // Whom to tell is gone, and so is all reason to go on.
    if (error) process.exit(1)
  })
}

async function run({ id, path, limits }: WorkerTask) {
  let told = 0
  try {
    const output = await analyse(path, {
      limits,
      onProgress(stage, percent) {
        if (performance.now() - told < PROGRESS_MS) return
        told = performance.now()
        tell({ kind: 'progress', id, stage, percent })
      },
    })
    tell({ kind: 'done', id, output })
  } catch (error) {
    const reason = error instanceof DecodeError ? error.reason : 'broken'
    const message = error instanceof Error ? error.message : String(error)
    if (reason === 'broken') console.error(error)
    tell({ kind: 'failed', id, reason, message })
  }
}

lowerPriority()
process.on('disconnect', () => process.exit(0))
process.on('message', (task: WorkerTask) => void run(task))
// Ctrl-C goes to all processes of a terminal; whether to end is for the one that started this to say.
process.on('SIGINT', () => {})
tell({ kind: 'ready' })
