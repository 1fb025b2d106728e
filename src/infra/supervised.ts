import { spawn } from 'node:child_process'

/** A program that runs as our child, and ends when we do. */
export interface Supervised {
  /** Settles when it has ended; it never rejects. */
  ended: Promise<ProcessEnd>
  /** The id of the program's own process; undefined until its supervisor has told it. */
  pid(): number | undefined
  /** Asks it to end by SIGTERM and makes it so after 4 s; returns when it has ended. */
  stop(): Promise<ProcessEnd>
}

/** How a program ended: its exit code, 128 + n after signal n as shells have it, or what kept it from starting. */
export interface ProcessEnd {
  code: number
  failure?: string
}

export interface SuperviseOptions {
  env?: Record<string, string | undefined>
  /** Each line of its stdout and stderr. */
  onLine: (line: string) => void
}

/** Between SIGTERM and SIGKILL. What runs here must stand a SIGKILL, so there is no need to wait longer. */
const GRACE_SECONDS = 4
/**
 * Node has no way to let a child die with it, so a shell stands between: its stdin is a pipe that the kernel closes when
 * we end, however we end. It lets two processes go only together: the shell that waits for the program, and the one that
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

/** Starts a program under a supervisor that ends it (SIGTERM, after 4 s SIGKILL) as soon as this process is gone. */
export function supervise(command: string, args: readonly string[], options: SuperviseOptions): Supervised {
  // A session of its own: the terminal's Ctrl-C is for us alone, and the program ends after we have drained.
  const shell = spawn('sh', ['-c', SUPERVISOR, 'supervisor', String(GRACE_SECONDS), command, ...args], {
    env: options.env,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let pid: number | undefined
  readLines(shell.stdout, (line) => {
    const told = pid === undefined ? /^supervised (\d+)$/.exec(line) : null
    if (told) pid = Number(told[1])
    else options.onLine(line)
  })
  readLines(shell.stderr, options.onLine)
  // Only ever closed, never written to; that its reader may be gone by then is what it is there for.
  shell.stdin.on('error', () => {})

  const ended = new Promise<ProcessEnd>((resolve) => {
    shell.on('error', (error) => resolve({ code: -1, failure: error.message }))
    shell.on('exit', (code, signal) => {
      shell.stdin.destroy()
      resolve(signal ? { code: -1, failure: `its supervisor was ended by ${signal}` } : { code: code ?? -1 })
    })
  })
  return {
    ended,
    pid: () => pid,
    stop: () => {
      shell.stdin.end()
      return ended
    },
  }
}

/** Says how a program ended, for people. */
export function describeEnd(end: ProcessEnd): string {
  if (end.failure) return end.failure
  return end.code > 128 ? `signal ${end.code - 128}` : `exit code ${end.code}`
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
