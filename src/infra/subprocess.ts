import { spawn } from 'node:child_process'

/** What a bounded child process left behind. `code` is null when a signal or a bound ended it. */
export interface RunResult {
  code: number | null
  stdout: string
  stderr: string
  /** Why it did not end by itself: it could not start, said nothing at all, or took too long. */
  failure?: string
}

export interface RunOptions {
  env?: Record<string, string | undefined>
  cwd?: string
  /** Longest run, in ms. */
  timeoutMs: number
  /** Longest wait for the first word on stdout or stderr, in ms: a download that hangs at connecting is ended by this. */
  firstOutputMs?: number
  onOutput?: (text: string) => void
}

const KEPT_OUTPUT_CHARS = 64 * 1024

/**
 * Runs a program to its end under bounds and never throws: a program that is missing is a `failure`, too.
 * Output is kept up to 64 KiB a stream, the newest.
 */
export function runProgram(command: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  return new Promise((resolve) => {
    const result: RunResult = { code: null, stdout: '', stderr: '' }
    const child = spawn(command, args, { env: options.env, cwd: options.cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    const stop = (failure: string) => {
      result.failure ??= failure
      child.kill('SIGKILL')
      // A grandchild may hold the pipes open; without this 'close' would wait for it.
      child.stdout.destroy()
      child.stderr.destroy()
    }
    const deadline = setTimeout(() => stop(`took longer than ${options.timeoutMs / 1000} s`), options.timeoutMs)
    const silence = options.firstOutputMs
      ? setTimeout(() => stop(`no answer within ${options.firstOutputMs! / 1000} s`), options.firstOutputMs)
      : undefined
    const hear = (stream: 'stdout' | 'stderr') => (chunk: Buffer) => {
      clearTimeout(silence)
      const text = chunk.toString('utf8')
      result[stream] = (result[stream] + text).slice(-KEPT_OUTPUT_CHARS)
      options.onOutput?.(text)
    }
    child.stdout.on('data', hear('stdout'))
    child.stderr.on('data', hear('stderr'))
    const finish = () => {
      clearTimeout(deadline)
      clearTimeout(silence)
      resolve(result)
    }
    child.on('error', (error) => {
      result.failure ??= error.message
      if (child.pid === undefined) finish()
    })
    child.on('close', (code) => {
      result.code = code
      finish()
    })
  })
}

/** The last line of a program's complaint that says something, for an error message. */
export function complaint(result: RunResult): string {
  if (result.failure) return result.failure
  const lines = `${result.stdout}\n${result.stderr}`.split('\n').filter((line) => line.trim() !== '')
  return lines.at(-1)?.trim().slice(0, 300) ?? `exit code ${result.code}`
}
