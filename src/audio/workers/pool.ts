import { type ChildProcess, fork } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { standardLimits } from '../decode/pcm.ts'
import type { AnalysisOutput } from '../types.ts'
import { type AnalyseCall, AnalysisError, type AnalysisPool, type AnalysisPoolOptions } from './analysis.ts'
import { type WorkerMessage, type WorkerTask, workerNiceness } from './messages.ts'

/** A worker that does not start in this time of the processor's is ended. */
const START_MS = 20_000
/** Its own limit comes first, as it knows better what it was at; it is ended where it does not come to look. */
const GRACE_MS = 1_000
/**
 * Limits are of the processor's time: workers give way to everything else, and a busy machine is no fault of a file. Where
 * one does not even use the processor it is ended after so many times the limit by the clock.
 */
const WALL_FACTOR = 10
const WATCH_MS = 500
/** Of the times in /proc (proc(5), USER_HZ); the same on all systems of today. */
const TICKS_A_SECOND = 100
const HEAP_MIB = 192
const MAX_LOG_LINE = 2_000
/** Signals that a process does not bring upon itself. */
const fromOutside = new Set<NodeJS.Signals>(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'])

interface Job {
  task: WorkerTask
  call: AnalyseCall
  resolve(output: AnalysisOutput): void
  reject(error: AnalysisError): void
  cancel(): void
}

interface CpuBound {
  ms: number
  /** What the worker had used when this was first looked at. */
  from: number | undefined
  why: AnalysisError
}

interface Worker {
  child: ChildProcess
  job: Job | null
  /** Why it is being ended, which its job's rejection says. */
  ending: AnalysisError | null
  /** Of its start, its job, or its idleness. */
  timer: NodeJS.Timeout | undefined
  /** What it may use of the processor, and for which reason it is ended then. */
  bound: CpuBound | null
  ready: boolean
  gone: Promise<void>
  tellGone(): void
}

/**
 * A pool of worker processes that analyse sound files. Processes and not threads: their priority is lower than that of
 * whoever answers clients, their memory is seen and ended whole, and what kills one kills nothing else
 * (docs/architecture.md has the measurement).
 */
export function createAnalysisPool(options: AnalysisPoolOptions): AnalysisPool {
  const size = Math.max(1, Math.floor(options.size))
  const timeMs = options.timeLimitMs ?? standardLimits.timeMs
  const limits = {
    maxSeconds: options.maxSeconds ?? standardLimits.maxSeconds,
    maxSamples: options.maxSamples ?? standardLimits.maxSamples,
    timeMs,
  }
  const memoryLimit = options.memoryLimitBytes ?? 300 * 2 ** 20
  const maxQueue = options.maxQueue ?? 1_000
  const idleMs = options.idleMs ?? 60_000
  const workers = new Set<Worker>()
  const waiting: Job[] = []
  let nextId = 1
  let closed = false
  let watch: NodeJS.Timeout | undefined

  function startWorker(): Worker {
    const entry = options.worker ?? workerEntry()
    const child = fork(entry, [], {
      execArgv: [...(entry.endsWith('.ts') ? ['--import', 'tsx'] : []), `--max-old-space-size=${HEAP_MIB}`],
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    lowerPriority(child.pid)
    let tellGone = () => {}
    const gone = new Promise<void>((resolve) => {
      tellGone = resolve
    })
    const worker: Worker = {
      child,
      job: null,
      ending: null,
      timer: undefined,
      bound: null,
      ready: false,
      gone,
      tellGone,
    }
    workers.add(worker)
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => options.onLog?.(text.trimEnd().slice(0, MAX_LOG_LINE)))
    }
    limit(worker, START_MS, new AnalysisError('broken', 'the worker process did not start in time'))
    child.on('message', (message: WorkerMessage) => hear(worker, message))
    child.on('error', (error) => {
      end(worker, new AnalysisError('broken', 'the worker process cannot be reached', { cause: error }))
      // Where it could not even be started no exit is told.
      if (child.pid === undefined) leave(worker, 'it did not start')
    })
    child.once('exit', (code, signal) => leave(worker, signal ?? `exit code ${code}`, signal))
    watch ??= setInterval(() => void look(), WATCH_MS)
    return worker
  }

  function leave(worker: Worker, how: string, signal: NodeJS.Signals | null = null) {
    if (!workers.delete(worker)) return
    clearTimeout(worker.timer)
    worker.tellGone()
    const { job } = worker
    worker.job = null
    const reason = signal && fromOutside.has(signal) ? 'killed' : 'broken'
    job?.reject(worker.ending ?? new AnalysisError(reason, `the worker process ended: ${how}`))
    if (workers.size === 0) {
      clearInterval(watch)
      watch = undefined
    }
    next()
  }

  function hear(worker: Worker, message: WorkerMessage) {
    if (message.kind === 'ready') {
      worker.ready = true
      clearTimeout(worker.timer)
      if (worker.job) begin(worker, worker.job)
      else rest(worker)
      return
    }
    const { job } = worker
    if (!job || message.id !== job.task.id || worker.ending) return
    if (message.kind === 'progress') {
      job.call.onProgress?.(message.stage, message.percent)
      return
    }
    clearTimeout(worker.timer)
    worker.job = null
    if (message.kind === 'done') job.resolve(message.output)
    else job.reject(new AnalysisError(message.reason, message.message))
    rest(worker)
    next()
  }

  function begin(worker: Worker, job: Job) {
    const why = new AnalysisError('timeout', `the analysis took longer than ${timeMs / 1000} s`)
    limit(worker, timeMs + GRACE_MS, why)
    worker.child.send(job.task, (error) => {
      if (error) end(worker, new AnalysisError('broken', 'the worker process cannot be reached', { cause: error }))
    })
  }

  function limit(worker: Worker, ms: number, why: AnalysisError) {
    clearTimeout(worker.timer)
    worker.timer = setTimeout(() => end(worker, why), ms * WALL_FACTOR)
    worker.bound = { ms, from: undefined, why }
  }

  function rest(worker: Worker) {
    clearTimeout(worker.timer)
    worker.bound = null
    worker.timer = setTimeout(() => end(worker, new AnalysisError('broken', 'it was idle')), idleMs)
  }

  /** SIGKILL, as a worker in an endless loop hears nothing else. Its exit settles the job. */
  function end(worker: Worker, why: AnalysisError) {
    worker.ending ??= why
    worker.child.kill('SIGKILL')
  }

  function next() {
    while (!closed && waiting.length > 0) {
      const alive = [...workers].filter((worker) => !worker.ending)
      const free = alive.find((worker) => !worker.job)
      // One that is being ended still holds its memory.
      if (!free && workers.size >= size) return
      const worker = free ?? startWorker()
      const job = waiting.shift()!
      worker.job = job
      if (worker.ready) begin(worker, job)
    }
  }

  async function look() {
    await Promise.all(
      [...workers].map(async (worker) => {
        // Asked for before the wait: what is told then must not be held against the next job.
        const { bound } = worker
        const [resident, used] = await Promise.all([residentBytes(worker.child.pid), cpuMs(worker.child.pid)])
        if (resident > memoryLimit)
          end(worker, new AnalysisError('memory', `the analysis took more than ${memoryLimit >> 20} MiB of memory`))
        if (!bound || bound !== worker.bound) return
        bound.from ??= used
        if (used - bound.from > bound.ms) end(worker, bound.why)
      }),
    )
  }

  function cancel(job: Job) {
    const why = new AnalysisError('cancelled', 'the analysis was cancelled')
    const at = waiting.indexOf(job)
    if (at >= 0) {
      waiting.splice(at, 1)
      job.reject(why)
      return
    }
    for (const worker of workers) if (worker.job === job) end(worker, why)
  }

  return {
    analyse(path, call = {}) {
      if (closed) return Promise.reject(new AnalysisError('closed', 'the pool is closed'))
      if (call.signal?.aborted) return Promise.reject(new AnalysisError('cancelled', 'the analysis was cancelled'))
      if (waiting.length >= maxQueue) return Promise.reject(new AnalysisError('busy', `${maxQueue} files wait already`))
      return new Promise((resolve, reject) => {
        const task = { id: nextId++, path, limits }
        const job: Job = {
          task,
          call,
          resolve(output) {
            call.signal?.removeEventListener('abort', job.cancel)
            resolve(output)
          },
          reject(error) {
            call.signal?.removeEventListener('abort', job.cancel)
            reject(error)
          },
          cancel: () => cancel(job),
        }
        call.signal?.addEventListener('abort', job.cancel, { once: true })
        waiting.push(job)
        next()
      })
    },
    load: () => ({ running: [...workers].filter((worker) => worker.job).length, waiting: waiting.length }),
    async close() {
      closed = true
      const why = new AnalysisError('closed', 'the pool was closed')
      for (const job of waiting.splice(0)) job.reject(why)
      const all = [...workers]
      for (const worker of all) end(worker, why)
      await Promise.all(all.map((worker) => worker.gone))
    },
  }
}

/** Beside this file as it is, or as scripts/start.mjs bundles both. */
function workerEntry(): string {
  const source = import.meta.url.endsWith('.ts')
  return fileURLToPath(new URL(source ? './worker.ts' : './audio-worker.mjs', import.meta.url))
}

/** From its first instruction on; the worker itself does the same for threads that were quicker. */
function lowerPriority(pid: number | undefined) {
  try {
    if (pid !== undefined) setPriority(pid, workerNiceness)
  } catch {
    // It has ended, or the system does not allow it: the worker says so.
  }
}

/** What a process has used of the processor, in all its threads; 0 where nothing tells it. */
async function cpuMs(pid: number | undefined): Promise<number> {
  if (pid === undefined) return 0
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // Behind the name, which is in brackets and may hold spaces, the first field is the third of all.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_A_SECOND
  } catch {
    return 0
  }
}

/** 0 where nothing tells it, as on systems without /proc, and of a process that is gone. */
async function residentBytes(pid: number | undefined): Promise<number> {
  if (pid === undefined) return 0
  try {
    const kib = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
    return Number(kib ?? 0) * 1024
  } catch {
    return 0
  }
}
