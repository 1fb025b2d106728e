import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { sleep } from './window.ts'

/** What this run has started and not yet stopped: ended with it, however it ends. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

export interface Child {
  pid: number
  /** Ends it; SIGKILL after 10 s where the signal is not obeyed. */
  stop(signal?: NodeJS.Signals): Promise<void>
  exited(): boolean
  /** The last lines it wrote, for errors. */
  tail(): string
}

/** Starts a program; keeps the last 4,000 characters of what it writes. */
export function startChild(command: string, args: string[], env: NodeJS.ProcessEnv = process.env): Child {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let tail = ''
  const keep = (bytes: Buffer) => {
    tail = (tail + bytes.toString()).slice(-4_000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      tail += error.message
      running.delete(child)
      resolve()
    })
    // `close` comes after the last of the output, which `exit` may not.
    child.once('close', () => {
      running.delete(child)
      resolve()
    })
  })
  return {
    pid: child.pid ?? 0,
    exited: () => !running.has(child),
    tail: () => tail,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await ended
      clearTimeout(timer)
    },
  }
}

/** A port nobody listens on right now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** Polls until `probe` says true; throws with the child's last words when it has exited or `timeoutMs` passed. */
export async function waitFor(what: string, child: Child, probe: () => Promise<boolean>, timeoutMs = 60_000) {
  const until = performance.now() + timeoutMs
  for (;;) {
    // A refused connection is the expected answer of a server that is still starting.
    if (await probe().catch(() => false)) return
    if (child.exited()) throw new Error(`${what} exited:\n${child.tail()}`)
    if (performance.now() > until) throw new Error(`${what} was not ready after ${timeoutMs} ms:\n${child.tail()}`)
    await sleep(50)
  }
}
