import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ServiceSpec {
  name: string
  command: string
  args: string[]
  env?: NodeJS.ProcessEnv
  cwd?: string
  logFile: string
  /** Resolves true once the service works. */
  probe(): Promise<boolean>
}

export interface Service {
  readonly name: string
  state(): 'down' | 'starting' | 'up' | 'stopped'
  /** Starts it where it is down, and waits until its probe agrees; throws after `timeoutMs`. */
  start(timeoutMs?: number): Promise<void>
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
  /** SIGSTOP; false where it is not running. */
  freeze(): boolean
  /** SIGCONT. */
  thaw(): void
  /** How often it ended without our doing after it had come up. */
  crashes(): number
}

const running = new Set<ChildProcess>()
let reaper: ChildProcess | null = null
let litter = ''

/**
 * Tells a shell of its own, which outlives us, whom to kill when our end of its pipe closes: so nothing is left
 * behind even by a SIGKILL of the run itself. Each line replaces the list, so a pid that is gone is never hit.
 */
function tellReaper(): void {
  if (!reaper) {
    const script = `pids=; while read -r line; do pids="$line"; done; [ -z "$pids" ] || kill -9 $pids 2>/dev/null
      [ -z "$1" ] || { sleep 0.5; rm -rf "$1"; }`
    reaper = spawn('sh', ['-c', script, 'reaper', litter], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
    reaper.stdin?.on('error', () => {
      // The reaper is gone before us: killAll still ends what runs.
    })
    reaper.unref()
  }
  reaper.stdin?.write(`${[...running].map((child) => child.pid).join(' ')}\n`)
}

/** A folder to be removed when we end, however that comes about; to be named before the first start. */
export function removeAtEnd(folder: string): void {
  litter = folder
}

/** Ends everything that was started, at once. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
  reaper?.stdin?.end()
}

/** Supervises one process which may be killed, frozen and started again. */
export function createService(spec: ServiceSpec): Service {
  let child: ChildProcess | null = null
  let state: 'down' | 'starting' | 'up' | 'stopped' = 'down'
  let exited: Promise<void> = Promise.resolve()
  let killing = false
  let crashes = 0

  const launch = (): void => {
    const log = openSync(spec.logFile, 'a')
    // A group of its own: Ctrl-C reaches the run alone, which then ends the others in order.
    const started = spawn(spec.command, spec.args, {
      env: spec.env ?? process.env,
      cwd: spec.cwd,
      stdio: ['ignore', log, log],
      detached: true,
    })
    closeSync(log)
    child = started
    state = 'starting'
    killing = false
    running.add(started)
    tellReaper()
    exited = new Promise((resolve) => {
      const gone = (): void => {
        running.delete(started)
        tellReaper()
        if (child === started) {
          // Ending while it starts is an honest answer to a dead database; once it is up, it is a crash.
          if (!killing && state !== 'starting') crashes++
          child = null
          state = 'down'
        }
        resolve()
      }
      started.once('exit', gone)
      started.once('error', gone)
    })
  }

  return {
    name: spec.name,
    state: () => state,
    crashes: () => crashes,
    async start(timeoutMs = 30_000) {
      if (!child) launch()
      const mine = child
      const deadline = Date.now() + timeoutMs
      while (Date.now() < deadline) {
        if (child !== mine) {
          // Killed meanwhile by another fault, whose own restart follows; or it ended by itself: once more.
          if (killing || child) return
          await sleep(200)
          if (!child && !killing) return this.start(Math.max(1, deadline - Date.now()))
          return
        }
        if (state === 'up' || (state === 'starting' && (await spec.probe()))) {
          if (child === mine && state === 'starting') state = 'up'
          return
        }
        await sleep(50)
      }
      throw new Error(`${spec.name} did not come up within ${timeoutMs} ms (see ${spec.logFile})`)
    },
    async kill() {
      killing = true
      child?.kill('SIGKILL')
      await exited
    },
    freeze() {
      if (!child || state !== 'up') return false
      state = 'stopped'
      return child.kill('SIGSTOP')
    },
    thaw() {
      if (!child || state !== 'stopped') return
      child.kill('SIGCONT')
      state = 'up'
    },
  }
}

/**
 * A free port of 127.0.0.1 below the range from which outgoing connections take theirs (32768 and up on Linux):
 * a port given by listen(0) could be taken by one of our own connections while its server is being restarted.
 */
export async function findPort(): Promise<number> {
  for (let i = 0; i < 200; i++) {
    const port = 10_000 + Math.floor(Math.random() * 22_000)
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer()
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (free) return port
  }
  throw new Error('No free port between 10000 and 32000')
}
