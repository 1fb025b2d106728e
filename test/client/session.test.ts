import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { connect, createSession, login, register } from '../../src/client/index.ts'
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts'

let server: ScriptedServer
let requests: string[]
/** The refresh tokens that still work; each works once. */
let refreshTokens: Set<string>
let expiresIn: number
let issued: number

beforeEach(async () => {
  server = await startScriptedServer()
  server.addRoom('r', 'ann')
  requests = []
  refreshTokens = new Set()
  expiresIn = 900
  issued = 0
  server.onRest((request, response) => void answer(request, response))
})

afterEach(() => server.close())

const credentials = { email: 'ann@example.com', password: 'correct horse' }

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = ''
  for await (const chunk of request) text += chunk
  const body = text ? JSON.parse(text) : {}
  const path = request.url!.replace('/api/v1/', '')
  requests.push(path)
  const send = (status: number, content?: object) => {
    response.writeHead(status, { 'content-type': status >= 400 ? 'application/problem+json' : 'application/json' })
    response.end(content && JSON.stringify(content))
  }
  const refuse = () => send(401, { title: 'Unauthorized', status: 401, code: 'unauthenticated', detail: 'no' })
  const pair = () => {
    issued += 1
    server.tokens.clear()
    const refreshToken = `refresh-${issued}`
    refreshTokens.add(refreshToken)
    return { accessToken: server.addUser('ann', `access-${issued}`), refreshToken, expiresIn }
  }
  if (path === 'auth/register' && body.email === 'taken@example.com') {
    const errors = [{ path: 'email', message: 'is taken' }]
    return send(409, { title: 'Conflict', status: 409, code: 'conflict', detail: 'is taken', errors })
  }
  if (path === 'auth/login' || path === 'auth/register') {
    return body.password === credentials.password ? send(200, { user: { id: 'ann' }, ...pair() }) : refuse()
  }
  if (path === 'auth/refresh') return refreshTokens.delete(body.refreshToken) ? send(200, pair()) : refuse()
  if (path === 'busy') {
    response.writeHead(503, { 'retry-after': '2' })
    return void response.end('<html>a proxy’s page</html>')
  }
  const bearer = request.headers.authorization?.replace('Bearer ', '') ?? ''
  if (!server.tokens.has(bearer)) return refuse()
  if (path === 'auth/logout') return send(204)
  send(200, { bearer })
}

test('[CLIENT-26] logs in and registers; a refusal carries the problem’s code and faults', async () => {
  expect((await login(server.url, credentials)).user.id).toBe('ann')
  await expect(login(server.url, { ...credentials, password: 'wrong' })).rejects.toMatchObject({
    code: 'unauthenticated',
    message: 'no',
  })
  const taken = register(server.url, { ...credentials, email: 'taken@example.com', displayName: 'Ann' })
  await expect(taken).rejects.toMatchObject({ code: 'conflict', details: [{ path: 'email', message: 'is taken' }] })
  await expect(login('http://127.0.0.1:9', credentials)).rejects.toMatchObject({ code: 'unavailable' })
})

test('[CLIENT-27] renews a token before it lapses, once for all that ask at a time', async () => {
  expiresIn = 10
  const kept: string[] = []
  const onTokens = ({ refreshToken }: { refreshToken?: string }) => void kept.push(refreshToken!)
  const session = await createSession({ url: server.url, ...credentials, onTokens })
  expect(session.account?.user.id).toBe('ann')
  expiresIn = 900
  const tokens = await Promise.all([session.getToken(), session.getToken(), session.getToken()])
  expect(tokens).toEqual(['access-2', 'access-2', 'access-2'])
  expect(await session.getToken()).toBe('access-2')
  expect(requests).toEqual(['auth/login', 'auth/refresh'])
  expect(kept).toEqual(['refresh-1', 'refresh-2'])
})

test('[CLIENT-28] logs in again where the refresh token is refused; without a password it gives up', async () => {
  const session = await createSession({ url: server.url, ...credentials })
  refreshTokens.clear()
  expect(await session.getToken({ renew: true })).toBe('access-2')
  const kept = await createSession({ url: server.url, refreshToken: 'refresh-2' })
  refreshTokens.clear()
  await expect(kept.getToken({ renew: true })).rejects.toMatchObject({ code: 'unauthenticated' })
})

test('[CLIENT-29] fetches as the user, once again with a new token where the first is refused; logs out', async () => {
  const session = await createSession({ url: server.url, ...credentials })
  server.tokens.clear()
  const answer = await session.fetch('/api/v1/me')
  expect(await answer.json()).toEqual({ bearer: 'access-2' })
  expect(requests).toEqual(['auth/login', 'me', 'auth/refresh', 'me'])
  await session.logout()
  expect(requests.at(-1)).toBe('auth/logout')
})

test('[CLIENT-30] a connection with a session renews the token that a reconnect finds lapsed', async () => {
  const session = await createSession({ url: server.url, ...credentials })
  const client = connect({ url: server.url, session, backoff: { baseMs: 10, maxMs: 50 } })
  const seen = client.messages({ own: true })
  await client.send('r', 'before')
  server.tokens.clear()
  server.breakAll()
  await client.send('r', 'after')
  expect(server.handshakes).toEqual(['access-1', 'access-1', 'access-2'])
  expect([(await seen.next()).value?.content, (await seen.next()).value?.content]).toEqual(['before', 'after'])
  await client.close()
})
