import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { type RunResult, runProgram } from '../../src/infra/subprocess.ts'
import { programArguments } from './programs.ts'

const root = resolve(import.meta.dirname, '../..')
const commandMs = 90_000
const startMs = 90_000

/** The server's environment in tests: nothing of ours but what programs need to run. */
function environment(env: Record<string, string>): Record<string, string> {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'MONGOD_BIN'].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value]]
  })
  return { ...Object.fromEntries(kept), ...env }
}

/** Runs one of the project's scripts to its end, as npm would. */
export function runScript(script: string, args: string[], env: Record<string, string>): Promise<RunResult> {
  const command = [...programArguments(`scripts/${script}`), ...args]
  return runProgram(process.execPath, command, { cwd: root, env: environment(env), timeoutMs: commandMs })
}

/** Runs a program of its own in the project's folder, from its text. */
export function runModule(code: string, env: Record<string, string>): Promise<RunResult> {
  const command = ['--input-type=module', '--eval', code]
  return runProgram(process.execPath, command, { cwd: root, env: environment(env), timeoutMs: commandMs })
}

/** Starts a program from its text in the project's folder, to be ended by the test. */
export function startModule(code: string, env: Record<string, string>): ChildProcess {
  const command = ['--input-type=module', '--eval', code]
  return spawn(process.execPath, command, { cwd: root, env: environment(env), stdio: ['ignore', 'ignore', 'inherit'] })
}

export interface Instance {
  url: string
  /** Ends it by SIGTERM. */
  close(): Promise<void>
}

/** A real instance in a process of its own, on a free port. */
export async function startInstance(env: Record<string, string>): Promise<Instance> {
  const settings = environment({ PORT: '0', RATE_LIMITS: 'off', LOG_LEVEL: 'warn', ...env })
  const child = spawn(process.execPath, [...programArguments('src/main.ts'), 'web'], {
    cwd: root,
    env: settings,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'exit')
  child.stdout.resume()
  const lines: string[] = []
  let timer: NodeJS.Timeout | undefined
  const url = await new Promise<string>((found, failed) => {
    timer = setTimeout(() => failed(new Error(`the instance did not start:\n${lines.join('\n')}`)), startMs)
    child.once('exit', () => failed(new Error(`the instance ended:\n${lines.join('\n')}`)))
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (lines.length < 100) lines.push(line)
      const listening = / listens on (\S+)$/.exec(line)
      if (listening) found(listening[1]!)
    })
  }).catch((error) => {
    child.kill('SIGKILL')
    throw error
  })
  clearTimeout(timer)
  return {
    url,
    async close() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      await ended
    },
  }
}

/** Posts JSON and gives the answer's body. Throws for any status but a success. */
export async function post<T>(url: string, body: unknown, token?: string): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(60_000),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`)
  return (text ? JSON.parse(text) : undefined) as T
}
