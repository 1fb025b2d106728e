import { toPhantomError } from '../../client/errors.ts'
import { readProblem } from '../../client/session.ts'
import { session } from './session.svelte.ts'

export interface Page<T> {
  items: T[]
  nextCursor: string | null
}

const timeoutMs = 20_000

/**
 * Asks the server's REST side as the user who is signed in: `api('GET', '/sessions')`. The body is sent as JSON, or as
 * it is where it is a form. Rejects with a PhantomError; `describeError` makes a sentence of it.
 */
export async function api<T = void>(
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
  { signal }: { signal?: AbortSignal } = {},
): Promise<T> {
  const isForm = body instanceof FormData
  // A form may hold files, which take as long as they take.
  const limits = [...(signal ? [signal] : []), ...(isForm ? [] : [AbortSignal.timeout(timeoutMs)])]
  let answer: Response
  try {
    answer = await session.fetch(`/api/v1${path}`, {
      method,
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
      ...(body !== undefined && !isForm && { headers: { 'content-type': 'application/json' } }),
      ...(limits.length > 0 && { signal: AbortSignal.any(limits) }),
    })
  } catch (error) {
    throw toPhantomError(error, 'unavailable')
  }
  if (!answer.ok) throw await readProblem(answer)
  return (answer.status === 204 ? undefined : await answer.json()) as T
}

/** A query string of the values given, without those that are missing. */
export function query(values: Record<string, string | number | boolean | null | undefined>): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value))
  }
  const text = search.toString()
  return text && `?${text}`
}

let paths: Promise<Set<string>> | null = null

/** Whether the server has a route, as its own description says: parts of the client hide where it has not. */
export async function serverHas(method: string, path: string): Promise<boolean> {
  paths ??= readPaths().catch((error) => {
    // Asked again next time.
    paths = null
    throw error
  })
  try {
    return (await paths).has(`${method.toUpperCase()} ${path}`)
  } catch (error) {
    console.warn('The description of the server could not be read', error)
    return false
  }
}

async function readPaths(): Promise<Set<string>> {
  const answer = await fetch('/api/openapi.json', { signal: AbortSignal.timeout(timeoutMs) })
  const { paths } = (await answer.json()) as { paths: Record<string, Record<string, unknown>> }
  return new Set(
    Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    ),
  )
}
