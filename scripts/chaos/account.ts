import { setTimeout as sleep } from 'node:timers/promises'

export interface Account {
  userId: string
  /** A valid access token, got anew (by logging in) in good time; null where the instance did not answer. */
  token(url: string): Promise<string | null>
}

const PASSWORD = 'one two three four'
/** Tokens live 15 minutes; ours are used for at most 8. */
const MAX_AGE_MS = 8 * 60_000

/** Registers a user, while all is well; throws where the server refuses. */
export async function register(url: string, name: string): Promise<Account> {
  const email = `${name}@example.org`
  const body = await post(url, 'register', { email, password: PASSWORD, displayName: name })
  if (!body?.accessToken || !body.user?.id) throw new Error(`Registering ${email} failed: ${JSON.stringify(body)}`)
  let token: string = body.accessToken
  let bornAt = performance.now()
  let renewal: Promise<void> | null = null

  async function renew(from: string): Promise<void> {
    const answer = await post(from, 'login', { email, password: PASSWORD })
    if (!answer?.accessToken) return
    token = answer.accessToken
    bornAt = performance.now()
  }

  return {
    userId: body.user.id,
    async token(from) {
      if (performance.now() - bornAt > MAX_AGE_MS) {
        renewal ??= renew(from).finally(() => {
          renewal = null
        })
        await renewal
        // Not answered: the old one is still good for some minutes, in which others may.
        if (performance.now() - bornAt > 14 * 60_000) {
          await sleep(200)
          return null
        }
      }
      return token
    },
  }
}

async function post(url: string, verb: string, body: object): Promise<any> {
  try {
    const response = await fetch(`${url}/api/v1/auth/${verb}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(8000),
    })
    return await response.json()
  } catch (error) {
    return { failure: String(error) }
  }
}
