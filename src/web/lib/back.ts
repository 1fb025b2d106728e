import { isTransient, PhantomError } from '../../client/errors.ts'
import { session } from './session.svelte.ts'

const handlers = new Set<() => void>()

session.with((client) =>
  client.on('ready', () => {
    for (const handler of [...handlers]) handler()
  }),
)

/** Calls a handler each time the connection is there again, and so tries again what failed; returns what ends that. */
export function whenBack(handler: () => void): () => void {
  const own = () => handler()
  handlers.add(own)
  return () => handlers.delete(own)
}

/** Whether what failed may do so no more once the connection is back. */
export const mayPass = (error: unknown): boolean =>
  error instanceof PhantomError ? isTransient(error) : error instanceof TypeError
