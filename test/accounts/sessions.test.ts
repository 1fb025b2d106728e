import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mongoose from 'mongoose'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRedisBus } from '../../src/infra/bus.ts'
import { loadSecrets } from '../../src/infra/secret.ts'
import { endedWithin } from '../../src/services/accounts/revocations.ts'
import { type Person, startServer, type TestServer } from '../support/http-server.ts'
import { startTestMongod, type TestMongod } from '../support/mongod.ts'

let mongod: TestMongod
let one: TestServer
let two: TestServer
let raw: mongoose.Connection

beforeAll(async () => {
  mongod = await startTestMongod('sessions')
  // Two instances without a line between them: only the database tells one of the other.
  one = await startServer({ mongoUri: mongod.uri })
  two = await startServer({ mongoUri: mongod.uri })
  raw = await mongoose.createConnection(mongod.uri).asPromise()
})
afterAll(async () => {
  await raw?.close()
  await two?.close()
  await one?.close()
  await mongod?.close()
})

const me = (server: TestServer, token: string) => server.ask('GET', '/api/v1/me', { token })

/** Milliseconds until a token is refused; it must have been good before. */
async function untilRefused(server: TestServer, token: string, act: () => Promise<unknown>): Promise<number> {
  for (let i = 0; i < 3; i++) expect((await me(server, token)).status).toBe(200)
  await act()
  const start = performance.now()
  while ((await me(server, token)).status === 200) {
    if (performance.now() - start > 30_000) throw new Error('Still accepted after 30 s')
    await new Promise((done) => setTimeout(done, 20))
  }
  return performance.now() - start
}

const login = async (server: TestServer, person: Person) =>
  (await server.ask('POST', '/api/v1/auth/login', { body: { email: person.email, password: person.password } })).body

describe('sessions', () => {
  test('[AUTH-20] lists one’s own live sessions, in pages', async () => {
    const person = await one.signUp()
    for (let i = 0; i < 4; i++) await login(one, person)
    const list = (query: string) => one.ask('GET', `/api/v1/sessions${query}`, { token: person.accessToken })
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page = await list(`?limit=2${cursor && `&cursor=${cursor}`}`)
      expect(page.status).toBe(200)
      seen.push(...page.body.items.map((session: { id: string }) => session.id))
      cursor = page.body.nextCursor
    }
    expect(seen).toHaveLength(5)
    expect(seen).toEqual([...seen].sort().reverse())
    expect(seen).toContain(person.sessionId)
    for (const bad of ['?limit=0', '?limit=101', '?limit=x', '?cursor=!!!', '?cursor=W10', '?limit=1&limit=2']) {
      expect(await list(bad)).toMatchObject({ status: 422, body: { code: 'invalid' } })
    }
  })

  test('[AUTH-21] revokes one’s own session; that of another is not found', async () => {
    const person = await one.signUp()
    const other = await one.signUp()
    const second = await login(one, person)
    const remove = (id: string) => one.ask('DELETE', `/api/v1/sessions/${id}`, { token: person.accessToken })
    expect(await remove(other.sessionId)).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect((await me(one, other.accessToken)).status).toBe(200)
    expect((await remove(second.session.id)).status).toBe(204)
    expect((await remove(second.session.id)).status).toBe(404)
    expect(await raw.collection('auditlogs').countDocuments({ performedBy: person.id, action: 'SessionRevoke' })).toBe(
      1,
    )
    expect((await me(one, second.accessToken)).status).toBe(401)
    expect((await me(one, person.accessToken)).status).toBe(200)
  })

  test('[AUTH-22] is seen within a second on another instance that no message reaches', async () => {
    const ended: string[] = []
    two.accounts.sessions.onRevoked((sessionId) => void ended.push(sessionId))
    for (let round = 0; round < 5; round++) {
      const person = await one.signUp()
      const ms = await untilRefused(two, person.accessToken, () =>
        one.ask('POST', '/api/v1/auth/logout', { token: person.accessToken }),
      )
      expect(ms).toBeLessThan(1_000)
      expect(ended.filter((id) => id === person.sessionId)).toHaveLength(1)
    }
  })

  test('[AUTH-23] is told over Redis at once, without waiting for the next look into the database', async () => {
    const redis = await startRedis()
    const log = pino({ level: 'silent' })
    const buses = [1, 2].map(() => createRedisBus(redis.url, 'sessions-test', log))
    const servers = await Promise.all(buses.map((bus) => startServer({ mongoUri: mongod.uri, bus, pollMs: 60_000 })))
    try {
      const [a, b] = servers as [TestServer, TestServer]
      while (buses.some((bus) => bus.state !== 'up')) await new Promise((done) => setTimeout(done, 10))
      const person = await a.signUp()
      const told = new Promise<string>((done) => b.accounts.sessions.onRevoked(done))
      const start = performance.now()
      await a.ask('POST', '/api/v1/auth/logout', { token: person.accessToken })
      expect(await told).toBe(person.sessionId)
      expect(performance.now() - start).toBeLessThan(1_000)
      expect((await me(b, person.accessToken)).status).toBe(401)
    } finally {
      for (const server of servers) await server.close()
      for (const bus of buses) await bus.close()
      await redis.close()
    }
  })

  test('[AUTH-24] ends when it expires, and tells who watches', async () => {
    const person = await one.signUp()
    // Other sessions end at the same time; this one is meant.
    const ended = new Promise<string>((done) =>
      one.accounts.sessions.onRevoked((sessionId, why) => {
        if (sessionId === person.sessionId) done(why)
      }),
    )
    await me(two, person.accessToken)
    const soon = new Date(Date.now() + 300)
    await raw.collection('sessions').updateOne({ _id: person.sessionId as never }, { $set: { expiresAt: soon } })
    expect(await ended).toBe('expired')
    expect((await me(one, person.accessToken)).status).toBe(401)
    expect(
      (await one.ask('POST', '/api/v1/auth/refresh', { body: { refreshToken: person.refreshToken } })).status,
    ).toBe(401)
  })

  test('[AUTH-25] notes activity, at most once a minute', async () => {
    const person = await one.signUp()
    const filter = { _id: person.sessionId as never }
    const old = new Date(Date.now() - 3600_000)
    await raw.collection('sessions').updateOne(filter, { $set: { lastActiveAt: old } })
    await me(one, person.accessToken)
    const active = async () => (await raw.collection('sessions').findOne(filter))!['lastActiveAt'] as Date
    const deadline = Date.now() + 30_000
    while ((await active()) <= old && Date.now() < deadline) await new Promise((done) => setTimeout(done, 50))
    const noted = await active()
    expect(Date.now() - noted.getTime()).toBeLessThan(5_000)
    await me(one, person.accessToken)
    await me(two, person.accessToken)
    await new Promise((done) => setTimeout(done, 1_200))
    expect(await active()).toEqual(noted)
  })

  test('[AUTH-26] finds what ended by an index', async () => {
    const plan = await raw.collection('sessions').find(endedWithin(5_000)).explain('queryPlanner')
    const stages = JSON.stringify(plan['queryPlanner'].winningPlan)
    expect(stages).toContain('IXSCAN')
    expect(stages).not.toContain('COLLSCAN')
  })

  test('[AUTH-27] shuts out a banned user and their bots, and lets them in no more', async () => {
    const admin = await one.signUp()
    const person = await one.signUp()
    const { token } = (
      await one.ask('POST', '/api/v1/bots', {
        token: person.accessToken,
        body: { name: 'b', scopes: ['profile:read'] },
      })
    ).body
    expect((await me(one, token)).status).toBe(200)
    await one.accounts.users.ban(person.id, { userId: admin.id, sessionId: admin.sessionId, role: 'admin' })
    expect((await me(one, person.accessToken)).status).toBe(401)
    expect((await me(one, token)).status).toBe(401)
    const again = await one.ask('POST', '/api/v1/auth/login', {
      body: { email: person.email, password: person.password },
    })
    expect(again).toMatchObject({ status: 403, body: { code: 'forbidden' } })
  })
})

describe('bots', () => {
  const make = (person: Person, scopes: string[]) =>
    one.ask('POST', '/api/v1/bots', { token: person.accessToken, body: { name: 'Metronome', scopes } })

  test('[AUTH-28] makes a bot with a token that is shown once and does what its scopes cover', async () => {
    const person = await one.signUp()
    const made = await make(person, ['profile:read', 'profile:read', 'rooms:read'])
    expect(made.status).toBe(201)
    const { bot, token } = made.body
    expect(Object.keys(bot).sort()).toEqual(['id', 'name', 'scopes', 'userId'])
    expect(bot).toMatchObject({ name: 'Metronome', scopes: ['profile:read', 'rooms:read'] })
    expect(token).toMatch(new RegExp(`^ppb_${bot.id}_`))
    const who = await me(two, token)
    expect(who.body.user.id).toBe(bot.userId)
    expect(who.body.profile.displayName).toBe('Metronome')
    expect(await one.ask('GET', '/api/v1/sessions', { token })).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    })
    expect((await one.ask('POST', '/api/v1/bots', { token, body: { name: 'x', scopes: [] } })).status).toBe(403)
    const mute = (await make(person, ['rooms:read'])).body
    expect((await me(one, mute.token)).status).toBe(403)
    const list = await one.ask('GET', '/api/v1/bots', { token: person.accessToken })
    expect(list.body.items.map((item: { id: string }) => item.id)).toEqual([mute.bot.id, bot.id])
    expect(JSON.stringify(list.body)).not.toContain(token)
    const stored = await raw.collection('bots').findOne({ _id: bot.id })
    expect(JSON.stringify(stored)).not.toContain(token.slice('ppb_'.length + 26 + 1))
    expect((await make(person, ['rooms:fly'])).status).toBe(422)
  })

  test('[AUTH-29] revokes a bot’s token with the bot and with a new token, on every instance', async () => {
    const person = await one.signUp()
    const { bot, token } = (await make(person, ['profile:read'])).body
    const path = `/api/v1/bots/${bot.id}`
    let renewed = ''
    const ms = await untilRefused(two, token, async () => {
      const answer = await one.ask('POST', `${path}/token`, { token: person.accessToken })
      expect(answer.status).toBe(201)
      renewed = answer.body.token
    })
    expect(ms).toBeLessThan(1_000)
    expect((await me(one, token)).status).toBe(401)
    expect((await me(two, renewed)).status).toBe(200)
    const gone = await untilRefused(two, renewed, () => one.ask('DELETE', path, { token: person.accessToken }))
    expect(gone).toBeLessThan(1_000)
    expect((await me(one, renewed)).status).toBe(401)
  })

  test('[AUTH-30] is for its owner alone, and its token can’t be guessed at', async () => {
    const person = await one.signUp()
    const other = await one.signUp()
    const { bot, token } = (await make(person, ['profile:read'])).body
    const path = `/api/v1/bots/${bot.id}`
    expect((await one.ask('DELETE', path, { token: other.accessToken })).status).toBe(404)
    expect((await one.ask('POST', `${path}/token`, { token: other.accessToken })).status).toBe(404)
    expect((await me(one, token)).status).toBe(200)
    for (const bad of [
      `${token.slice(0, -1)}_`,
      `ppb_${bot.id}_`,
      `ppb_${bot.id}`,
      'ppb_',
      `ppb_${other.id}_${'x'.repeat(43)}`,
    ]) {
      expect((await me(one, bad)).status).toBe(401)
    }
  })
})

describe('the rest', () => {
  test('[AUTH-31] takes the same time for a wrong password and an unknown e-mail, also under an older hash', async () => {
    const slow = await startServer({ mongoUri: mongod.uri, cost: 10 })
    try {
      const person = await slow.signUp()
      const legacy = await one.signUp()
      const bodies = {
        wrong: { email: person.email, password: 'not the password' },
        unknown: { email: 'nobody@example.com', password: 'not the password' },
        // Hashed at cost 4.
        legacy: { email: legacy.email, password: 'not the password' },
      }
      const times: Record<string, number[]> = { wrong: [], unknown: [], legacy: [] }
      for (let round = 0; round < 9; round++) {
        for (const [kind, body] of Object.entries(bodies)) {
          const start = performance.now()
          expect((await slow.ask('POST', '/api/v1/auth/login', { body })).status).toBe(401)
          times[kind]!.push(performance.now() - start)
        }
      }
      const median = (kind: string) => times[kind]!.sort((a, b) => a - b)[4]!
      expect(median('wrong')).toBeGreaterThan(20)
      for (const kind of ['unknown', 'legacy']) {
        expect(median(kind) / median('wrong')).toBeGreaterThan(0.5)
        expect(median(kind) / median('wrong')).toBeLessThan(2)
      }
    } finally {
      await slow.close()
    }
  })

  test('[AUTH-32] keeps who fails ten times waiting, alike for accounts that are not there', async () => {
    const limited = await startServer({ mongoUri: mongod.uri, env: { RATE_LIMITS: 'on' } })
    try {
      const person = await limited.signUp()
      for (const email of [person.email, 'nobody@example.com']) {
        const guess = (password: string) => limited.ask('POST', '/api/v1/auth/login', { body: { email, password } })
        for (let i = 0; i < 10; i++) expect((await guess('wrong')).status).toBe(401)
        const refused = await guess(person.password)
        expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } })
        expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(200)
      }
      const other = await limited.signUp()
      for (let i = 0; i < 12; i++) expect((await login(limited, other)).accessToken).toBeTypeOf('string')
    } finally {
      await limited.close()
    }
  })

  test('[AUTH-33] makes the admin once, with roles, and several instances at the same time agree', async () => {
    const env = { ADMIN_EMAIL: 'Admin@example.com', ADMIN_PASSWORD: 'the admin password' }
    const servers = await Promise.all([1, 2].map(() => startServer({ mongoUri: mongod.uri, env })))
    try {
      expect(await raw.collection('users').countDocuments({ emailKey: 'admin@example.com' })).toBe(1)
      expect(await raw.collection('roles').countDocuments()).toBe(3)
      const { accessToken } = (
        await one.ask('POST', '/api/v1/auth/login', {
          body: { email: 'admin@example.com', password: 'the admin password' },
        })
      ).body
      const { body } = await me(one, accessToken)
      expect(body.user).toMatchObject({ role: 'admin', isVerified: true })
      expect(body.roles.map((role: { name: string }) => role.name)).toEqual(['admin'])
      expect(JSON.stringify(servers.map((server) => server.logged))).not.toContain('the admin password')
    } finally {
      for (const server of servers) await server.close()
    }
    const drawn = await startServer({ mongoUri: mongod.uri, env: { ADMIN_EMAIL: 'other.admin@example.com' } })
    const line = drawn.logged.find((entry) => /shown this once/.test(entry['msg']))
    await drawn.close()
    const password = /: (\S+)$/.exec(line!['msg'])![1]!
    const answer = await one.ask('POST', '/api/v1/auth/login', { body: { email: 'other.admin@example.com', password } })
    expect(answer.body.user.role).toBe('admin')
  })

  test('[AUTH-34] changes, shows and finds profiles, without e-mail addresses', async () => {
    const person = await one.signUp('Zebedee (the 1st)')
    const reader = await one.signUp()
    const patch = (body: object) => one.ask('PATCH', '/api/v1/me/profile', { token: person.accessToken, body })
    const changed = await patch({ bio: 'Plays the theremin', socialLinks: { instagram: 'https://instagram.com/z' } })
    expect(changed.body).toMatchObject({ bio: 'Plays the theremin', displayName: 'Zebedee (the 1st)' })
    expect((await patch({ bio: null })).body).not.toHaveProperty('bio')
    await patch({ bio: 'Plays the theremin' })
    expect((await patch({ avatarUrl: 'javascript:alert(1)' })).status).toBe(422)
    expect((await patch({ displayName: null })).status).toBe(422)
    const get = (path: string) => one.ask('GET', path, { token: reader.accessToken })
    const shown = await get(`/api/v1/users/${person.id}/profile`)
    expect(shown.body.userId).toBe(person.id)
    expect(JSON.stringify(shown.body)).not.toContain('@')
    expect((await get('/api/v1/users/01HYN8FXZ2W6X8K6YTNPEKXYM7/profile')).status).toBe(404)
    const found = async (q: string) =>
      (await get(`/api/v1/profiles?q=${encodeURIComponent(q)}`)).body.items.map(
        (item: { userId: string }) => item.userId,
      )
    for (const q of ['zebedee (', 'theremin', '"-theremin', 'ZEB']) expect(await found(q)).toEqual([person.id])
    for (const q of ['.*', '-', '"', '$where']) expect(await found(q)).toEqual([])
  })

  test('[AUTH-35] makes a signing secret once, for its owner’s eyes alone', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'phantom-secret-'))
    try {
      const made = await Promise.all([1, 2, 3, 4].map(() => loadSecrets({ dataDir, jwtSecrets: undefined })))
      expect(new Set(made.flat()).size).toBe(1)
      expect((await stat(join(dataDir, 'jwt-secret'))).mode & 0o777).toBe(0o600)
      expect(await loadSecrets({ dataDir, jwtSecrets: undefined })).toEqual(made[0])
      expect(await loadSecrets({ dataDir, jwtSecrets: ['given'] })).toEqual(['given'])
    } finally {
      await rm(dataDir, { recursive: true })
    }
  })
})

async function startRedis(): Promise<{ url: string; close(): Promise<void> }> {
  const given = process.env['TEST_REDIS_URL']
  if (given) return { url: given, close: async () => {} }
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  const { port } = holder.address() as { port: number }
  holder.close()
  await once(holder, 'close')
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const binary = process.env['REDIS_SERVER_BIN'] ?? 'redis-server'
  const child: ChildProcess = spawn(binary, args, { stdio: 'ignore' })
  await once(child, 'spawn')
  return {
    url: `redis://127.0.0.1:${port}`,
    async close() {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}
