import { type Supervised, supervise } from './supervised.ts'

/** A mongod that runs as our child, and ends when we do. */
export interface MongodProcess extends Supervised {
  /** What mongod said last that matters: its newest errors, else its newest line. */
  lastWords(): string
}

const KEPT_ERRORS = 3
const LONGEST_WORDS = 300

/** Starts mongod supervised and listens to its log. */
export function spawnMongod(binary: string, args: readonly string[], env?: Record<string, string | undefined>) {
  const errors: string[] = []
  let newest = ''
  const supervised = supervise(binary, args, {
    env,
    onLine: (line) => {
      if (line.trim() !== '') newest = line
      const error = describeError(line)
      if (error === undefined) return
      errors.push(error)
      if (errors.length > KEPT_ERRORS) errors.shift()
    },
  })
  const mongod: MongodProcess = {
    ...supervised,
    lastWords: () => errors.join('; ') || newest.slice(0, LONGEST_WORDS),
  }
  return mongod
}

/** mongod logs a JSON object a line; severity F is fatal, E an error. */
function describeError(line: string): string | undefined {
  if (!/^\{"t":.*"s":"[FE]"/.test(line)) return undefined
  try {
    const { msg, attr } = JSON.parse(line) as { msg: string; attr?: Record<string, unknown> }
    const detail = attr?.['error'] ?? attr?.['reason'] ?? attr?.['message']
    const text = typeof detail === 'string' ? detail : detail === undefined ? '' : JSON.stringify(detail)
    return (text ? `${msg}: ${text}` : msg).replace(/\s+/g, ' ').trim().slice(0, LONGEST_WORDS)
  } catch {
    return line.slice(0, LONGEST_WORDS)
  }
}
