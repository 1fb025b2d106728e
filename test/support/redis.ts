import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { redisProcess } from '../../scripts/test/services.ts'
import { freeze } from './freezing.ts'

/** A redis-server of one's own, to be stopped, frozen and started again at the same port. */
export interface TestRedis {
  url: string
  /** Kills it; connections to it break. */
  kill(): Promise<void>
  /** Starts it again, empty, where it was. */
  start(): Promise<void>
  /** Freezes it: connections stay, nothing is answered. */
  freeze(): Promise<void>
  thaw(): void
  close(): Promise<void>
}

const startMs = 30_000

/** Starts a redis-server without persistence on a free port of 127.0.0.1. */
export async function startTestRedis(): Promise<TestRedis> {
  let child: ChildProcess | undefined
  let port = 0

  async function launch(at: number): Promise<boolean> {
    const where = ['--bind', '127.0.0.1', '--port', `${at}`, '--save', '', '--appendonly', 'no', '--dir', '/tmp']
    const started = spawn(process.env['REDIS_BIN'] ?? 'redis-server', where, { stdio: 'ignore' })
    let failure: Error | undefined
    started.on('error', (error) => {
      failure = error
    })
    const deadline = Date.now() + startMs
    while (Date.now() < deadline) {
      if (failure) throw failure
      if (started.exitCode !== null) return false
      if ((await redisProcess(`redis://127.0.0.1:${at}`)) === started.pid) {
        child = started
        return true
      }
      await sleep(20)
    }
    started.kill('SIGKILL')
    return false
  }

  async function kill() {
    const running = child
    child = undefined
    if (!running || running.exitCode !== null || running.signalCode !== null) return
    const ended = once(running, 'exit')
    running.kill('SIGKILL')
    await ended
  }

  for (let attempt = 0; child === undefined; attempt++) {
    if (attempt === 10) throw new Error('redis-server did not start')
    port = 20_000 + Math.floor(Math.random() * 12_000)
    await launch(port)
  }
  // Should the test process die, the server must not stay.
  const last = () => child?.kill('SIGKILL')
  process.once('exit', last)

  return {
    url: `redis://127.0.0.1:${port}`,
    kill,
    async start() {
      for (let attempt = 0; !(await launch(port)); attempt++) {
        if (attempt === 20) throw new Error('redis-server did not start again')
        await sleep(100)
      }
    },
    freeze: async () => (child?.pid === undefined ? undefined : freeze(child.pid)),
    thaw: () => void child?.kill('SIGCONT'),
    async close() {
      process.off('exit', last)
      await kill()
    },
  }
}
