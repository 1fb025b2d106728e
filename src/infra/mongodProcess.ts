import { spawn } from 'node:child_process'

/** A mongod that runs as our child, and ends when we do. */
export interface MongodProcess {
  /** Settles when it has ended; it never rejects. */
  ended: Promise<MongodEnd>
  /** The process id of mongod itself; undefined until its supervisor has told it. */
  pid(): number | undefined
  /** Asks for a clean end and makes it so after 4 s; returns when it has ended. */
  stop(): Promise<MongodEnd>
  /** What mongod said last that matters: its newest errors, else its newest line. */
  lastWords(): string
}

/** How a mongod ended: its exit code, 128 + n after signal n as shells have it, or what kept it from starting. */
export interface MongodEnd {
  code: number
  failure?: string
}

/** Journalled writes survive SIGKILL, so there is no need to wait for a slow checkpoint. */
const GRACE_SECONDS = 4
const KEPT_LINES = 100

/**
 * Node has no way to let a child die with it, so a shell stands between: its stdin is a pipe that the kernel closes when
 * we end, however we end. It lets two processes go only together: the shell that waits for mongod, and the one that
 * waits for us. The watcher comes before the first word, which breaks the pipe where we are gone already.
 */
const SUPERVISOR = `
trap '' PIPE
grace=$1; shift
exec 3<&0 </dev/null
"$@" 3<&- &
pid=$!
(
  exec >/dev/null 2>&1
  while read -r _ <&3; do :; done
  kill -TERM $pid
  left=$((grace * 10))
  while [ $left -gt 0 ] && kill -0 $pid; do sleep 0.1; left=$((left - 1)); done
  kill -KILL $pid
) &
watcher=$!
trap 'kill -TERM $pid' TERM INT HUP
exec 3<&-
echo "supervised $pid"
exec >/dev/null 2>&1
wait $pid; code=$?
while kill -0 $pid; do wait $pid; code=$?; done
kill -KILL $watcher
exit $code
`

/** Starts mongod under a supervisor that ends it (SIGTERM, after 4 s SIGKILL) as soon as this process is gone. */
export function spawnMongod(binary: string, args: readonly string[], env?: Record<string, string | undefined>) {
  // A session of its own: the terminal's Ctrl-C is for us alone, and mongod ends after we have drained.
  const shell = spawn('sh', ['-c', SUPERVISOR, 'mongod-supervisor', String(GRACE_SECONDS), binary, ...args], {
    env,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  const errors: string[] = []
  let pid: number | undefined

  const hear = (line: string) => {
    const told = /^supervised (\d+)$/.exec(line)
    if (told) {
      pid = Number(told[1])
      return
    }
    if (line.trim() === '') return
    remember(lines, line)
    const error = describeError(line)
    if (error) remember(errors, error)
  }
  readLines(shell.stdout, hear)
  readLines(shell.stderr, hear)
  // Only ever closed, never written to; that its reader may be gone by then is what it is there for.
  shell.stdin.on('error', () => {})

  const ended = new Promise<MongodEnd>((resolve) => {
    shell.on('error', (error) => resolve({ code: -1, failure: error.message }))
    shell.on('exit', (code, signal) => {
      shell.stdin.destroy()
      resolve(signal ? { code: -1, failure: `its supervisor was ended by ${signal}` } : { code: code ?? -1 })
    })
  })
  const supervised: MongodProcess = {
    ended,
    pid: () => pid,
    stop: () => {
      shell.stdin.end()
      return ended
    },
    lastWords: () => errors.slice(-3).join('; ') || (lines.at(-1) ?? '').slice(0, 300),
  }
  return supervised
}

/** Says how a mongod ended, for people. */
export function describeEnd(end: MongodEnd): string {
  if (end.failure) return end.failure
  return end.code > 128 ? `signal ${end.code - 128}` : `exit code ${end.code}`
}

function remember(kept: string[], line: string): void {
  kept.push(line)
  if (kept.length > KEPT_LINES) kept.shift()
}

/** mongod logs a JSON object a line; severity F is fatal, E an error. */
function describeError(line: string): string | undefined {
  if (!/^\{"t":.*"s":"[FE]"/.test(line)) return undefined
  try {
    const { msg, attr } = JSON.parse(line) as { msg: string; attr?: Record<string, unknown> }
    const detail = attr?.['error'] ?? attr?.['reason'] ?? attr?.['message']
    const text = typeof detail === 'string' ? detail : detail === undefined ? '' : JSON.stringify(detail)
    return (text ? `${msg}: ${text}` : msg).slice(0, 300)
  } catch {
    return line.slice(0, 300)
  }
}

/** Longer lines are cut, so that no line without an end can fill the memory. */
const LONGEST_LINE = 64 * 1024

function readLines(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop()!.slice(0, LONGEST_LINE)
    for (const part of parts) take(part)
  })
  stream.on('end', () => take(rest))
}
