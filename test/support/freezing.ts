import { readdir, readFile } from 'node:fs/promises'
import { until } from './socket.ts'

/** Stops a process, and waits until all its threads stand: a busy machine takes its time to stop them. */
export async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  const stands = async (thread: string) => {
    const line = await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => null)
    return line === null || /\) [Tt] /.test(line)
  }
  const threads = () => readdir(`/proc/${pid}/task`)
  await until(
    async () => (await Promise.all((await threads()).map(stands))).every(Boolean),
    30_000,
    `${pid} stands still`,
  )
}
