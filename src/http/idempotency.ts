import { newId } from '../kernel/ids.ts'
import type { Exchange } from '../kernel/route.ts'
import { parseInput } from '../kernel/validate.ts'
import { clientId } from '../services/chat/inputs.ts'

/**
 * The clientId of a message sent over REST: the one given, else the `Idempotency-Key` header, else a new one.
 * Throws `invalid` for a key that can't be one.
 */
export function clientIdOf(http: Exchange, given: string | undefined): string {
  if (given !== undefined) return given
  const key = http.header('Idempotency-Key')
  return key === undefined ? newId() : parseInput(clientId, key, 'Idempotency-Key')
}
