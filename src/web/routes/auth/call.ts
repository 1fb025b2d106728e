import { toPhantomError } from '../../../client/errors.ts'
import { readProblem } from '../../../client/session.ts'

/** Asks one of the routes for accounts that need no session. Rejects with a PhantomError. */
export async function callAuth(path: string, body: object): Promise<void> {
  let answer: Response
  try {
    answer = await fetch(`/api/v1/auth/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(15_000),
    })
  } catch (error) {
    throw toPhantomError(error, 'unavailable')
  }
  if (!answer.ok) throw await readProblem(answer)
}
