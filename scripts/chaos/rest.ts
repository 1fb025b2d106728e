import type { Random } from '../shared/random.ts'
import type { Account } from './account.ts'
import { takeAnswer } from './device.ts'
import type { Attempt, Op } from './history.ts'

/** The few REST routes that the load uses, each request written down as an attempt. */
export interface Rest {
  /** Whether the server has the routes at all. */
  present(account: Account, roomId: string): Promise<boolean>
  send(
    random: Random,
    account: Account,
    op: Op,
    message: { roomId: string; clientId: string; content: string },
  ): Promise<Attempt>
  list(random: Random, account: Account, op: Op, roomId: string): Promise<Attempt>
}

const TIMEOUT_MS = 8000

/** REST requests to random ones of the instances. */
export function createRest(urls: string[]): Rest {
  async function request(url: string, account: Account, op: Op, path: string, body?: object): Promise<Attempt> {
    const attempt: Attempt = { client: `REST ${url}`, at: performance.now(), end: null, outcome: 'open' }
    op.attempts.push(attempt)
    try {
      const token = await account.token(url)
      const response = await fetch(`${url}/api/v1${path}`, {
        method: body ? 'POST' : 'GET',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: body ? JSON.stringify(body) : undefined,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      const answer: any = await response.json()
      const error = { code: response.status === 500 ? 'internal' : answer?.code, message: answer?.detail }
      takeAnswer(attempt, response.ok ? { ok: true, data: answer } : { ok: false, error }, performance.now())
    } catch {
      // The connection broke, or our own patience ended: like a lost socket, to be tried again.
      attempt.end = performance.now()
      attempt.outcome = 'closed'
    }
    return attempt
  }

  const pathOf = (roomId: string): string => `/chat-rooms/${roomId}/messages`
  return {
    async present(account, roomId) {
      const op: Op = { kind: 'history', userId: account.userId, log: '', attempts: [] }
      return (await request(urls[0]!, account, op, `${pathOf(roomId)}?limit=1`)).outcome === 'ok'
    },
    send: (random, account, op, { roomId, clientId, content }) =>
      request(random.pick(urls), account, op, pathOf(roomId), { clientId, content }),
    list: (random, account, op, roomId) => request(random.pick(urls), account, op, `${pathOf(roomId)}?limit=50`),
  }
}
