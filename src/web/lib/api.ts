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

/** The pages of a list one by one, a hundred items each, at most `most` of them; `path` may have a query. */
export async function* pagesOf<P extends Page<unknown>>(path: string, most: number): AsyncGenerator<P, void, void> {
  let cursor: string | null | undefined
  for (let page = 0; page < most && cursor !== null; page++) {
    const more = query({ limit: 100, cursor })
    const answer: P = await api<P>('GET', path + (path.includes('?') ? more.replace('?', '&') : more))
    yield answer
    cursor = answer.nextCursor
  }
}

/** All of a list as `pagesOf` reads it; `isCut` where there is more of it. */
export async function readAll<T>(path: string, most: number): Promise<{ items: T[]; isCut: boolean }> {
  const items: T[] = []
  let isCut = false
  for await (const page of pagesOf<Page<T>>(path, most)) {
    items.push(...page.items)
    isCut = page.nextCursor !== null
  }
  return { items, isCut }
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
