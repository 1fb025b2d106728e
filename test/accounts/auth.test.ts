import bcrypt from 'bcrypt'
import jwt from 'jsonwebtoken'
import mongoose from 'mongoose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, type Person, startServer, type TestServer } from '../support/http-server.ts'
import { startTestMongod, type TestMongod } from '../support/mongod.ts'

let mongod: TestMongod
let server: TestServer
let raw: mongoose.Connection

beforeAll(async () => {
  mongod = await startTestMongod('accounts')
  server = await startServer({ mongoUri: mongod.uri })
  raw = await mongoose.createConnection(mongod.uri).asPromise()
})
afterAll(async () => {
  await raw?.close()
  await server?.close()
  await mongod?.close()
})

const login = (person: Pick<Person, 'email' | 'password'>, headers?: Record<string, string>) =>
  server.ask('POST', '/api/v1/auth/login', { body: { email: person.email, password: person.password }, headers })
const refresh = (refreshToken: string) => server.ask('POST', '/api/v1/auth/refresh', { body: { refreshToken } })
const me = (token: string) => server.ask('GET', '/api/v1/me', { token })
const audits = (performedBy: string) =>
  raw
    .collection('auditlogs')
    .find({ performedBy })
    .sort({ _id: 1 })
    .map((entry) => entry['action'])
    .toArray()
const tokenIn = (mail: string) => /#[\w-]+=([\w-]+)/.exec(mail)![1]!

describe('registering and logging in', () => {
  test('[AUTH-01] registers: user, profile, session and tokens, and nothing that is secret', async () => {
    const answer = await server.ask('POST', '/api/v1/auth/register', {
      body: { email: 'Jane.Doe@example.com', password: 'correct horse', displayName: ' Jane D ' },
      headers: { 'User-Agent': 'a test' },
    })
    expect(answer.status).toBe(201)
    const { user, profile, session, accessToken, refreshToken, expiresIn } = answer.body
    expect(user).toMatchObject({ email: 'Jane.Doe@example.com', role: 'user', isVerified: false, updatedAt: null })
    expect(profile).toMatchObject({ userId: user.id, displayName: 'Jane D' })
    expect(Object.keys(session).sort()).toEqual(
      ['id', 'userId', 'ipAddress', 'userAgent', 'createdAt', 'lastActiveAt'].sort(),
    )
    expect(session).toMatchObject({ userId: user.id, ipAddress: '127.0.0.1', userAgent: 'a test' })
    expect(JSON.stringify(answer.body)).not.toMatch(/hash/i)
    expect(expiresIn).toBe(900)
    const claims = jwt.decode(accessToken) as jwt.JwtPayload
    expect(claims).toMatchObject({ sub: user.id, sid: session.id, role: 'user' })
    expect(claims.exp! - claims.iat!).toBe(900)
    const stored = await raw.collection('sessions').findOne({ _id: session.id })
    expect(JSON.stringify(stored)).not.toContain(refreshToken)
    expect(await audits(user.id)).toEqual(['UserRegister'])
  })

  test('[AUTH-02] refuses an e-mail that has an account, in any case, also when two come at once', async () => {
    const person = await server.signUp()
    const body = { email: person.email.toUpperCase(), password: 'correct horse', displayName: 'Jane' }
    expect(await server.ask('POST', '/api/v1/auth/register', { body })).toMatchObject({
      status: 409,
      body: { code: 'conflict' },
    })
    const same = { email: 'twice@example.com', password: 'correct horse', displayName: 'Jane' }
    const both = await Promise.all([1, 2, 3].map(() => server.ask('POST', '/api/v1/auth/register', { body: same })))
    expect(both.map((answer) => answer.status).sort()).toEqual([201, 409, 409])
  })

  test('[AUTH-03] takes passwords of 8 to 72 bytes', async () => {
    const tryOne = async (password: string, n: number) =>
      (
        await server.ask('POST', '/api/v1/auth/register', {
          body: { email: `bytes${n}@example.com`, password, displayName: 'x' },
        })
      ).status
    expect(await tryOne('1234567', 1)).toBe(422)
    expect(await tryOne('12345678', 2)).toBe(201)
    expect(await tryOne('é'.repeat(4), 3)).toBe(201)
    expect(await tryOne('x'.repeat(72), 4)).toBe(201)
    expect(await tryOne('x'.repeat(73), 5)).toBe(422)
    expect(await tryOne('é'.repeat(37), 6)).toBe(422)
    expect(await tryOne('1234567\u0000abc', 7)).toBe(422)
  })

  test('[AUTH-04] logs in, whatever the case of the e-mail, and keeps sessions apart', async () => {
    const person = await server.signUp()
    const answer = await login({ email: person.email.toLowerCase(), password: person.password })
    expect(answer.status).toBe(200)
    expect(answer.body.session.id).not.toBe(person.sessionId)
    expect((await me(answer.body.accessToken)).body.user).toMatchObject({ id: person.id, email: person.email })
    expect(await audits(person.id)).toEqual(['UserRegister', 'UserLogin'])
  })

  test('[AUTH-05] answers a wrong password and an unknown e-mail in the same words', async () => {
    const person = await server.signUp()
    const wrong = await login({ email: person.email, password: 'not the password' })
    const unknown = await login({ email: 'nobody@example.com', password: 'not the password' })
    expect(wrong.status).toBe(401)
    expect(unknown.body).toEqual(wrong.body)
    expect([...unknown.headers.keys()]).toEqual([...wrong.headers.keys()])
  })

  test('[AUTH-06] accepts a $2a$10$ hash and makes it anew at log-in', async () => {
    const person = await server.signUp()
    const old = (await bcrypt.hash(person.password, 10)).replace('$2b$', '$2a$')
    await raw.collection('users').updateOne({ _id: person.id as never }, { $set: { passwordHash: old } })
    expect((await login({ email: person.email, password: 'not the password' })).status).toBe(401)
    // Both at once: neither may lose to the other's new hash.
    const both = await Promise.all([login(person), login(person)])
    expect(both.map((answer) => answer.status)).toEqual([200, 200])
    const user = await raw.collection('users').findOne({ _id: person.id as never })
    expect(user!['passwordHash']).toMatch(/^\$2b\$04\$/)
    expect((await login(person)).status).toBe(200)
  })

  test('[AUTH-07] refuses tokens that are forged, unsigned, of another algorithm, expired, or a refresh token', async () => {
    const person = await server.signUp()
    const claims = { sub: person.id, sid: person.sessionId, role: 'admin' }
    const secret = server.config.jwtSecrets![0]!
    const bad = [
      jwt.sign(claims, 'another secret'),
      jwt.sign(claims, '', { algorithm: 'none' }),
      jwt.sign(claims, secret, { algorithm: 'HS512' }),
      jwt.sign(claims, secret, { expiresIn: -1 }),
      jwt.sign({ ...claims, sub: '01HYN8FXZ2W6X8K6YTNPEKXYM7' }, secret),
      jwt.sign({ sub: person.id }, secret),
      person.refreshToken,
      'x',
      `${person.accessToken}x`,
    ]
    for (const token of bad) expect(await me(token)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    // A role that the token claims does not count against the account's.
    expect((await me(jwt.sign(claims, secret))).body.user.role).toBe('user')
  })

  test('[AUTH-08] verifies under each secret and signs with the first', async () => {
    const person = await server.signUp()
    const next = await startServer({
      mongoUri: mongod.uri,
      env: { JWT_SECRET: `a newer secret,${server.config.jwtSecrets![0]}` },
    })
    try {
      expect((await next.ask('GET', '/api/v1/me', { token: person.accessToken })).status).toBe(200)
      const { body } = await next.ask('POST', '/api/v1/auth/refresh', { body: { refreshToken: person.refreshToken } })
      expect((await next.ask('GET', '/api/v1/me', { token: body.accessToken })).status).toBe(200)
      expect((await me(body.accessToken)).status).toBe(401)
    } finally {
      await next.close()
    }
  })
})

describe('refreshing', () => {
  test('[AUTH-09] changes a refresh token for a new pair, again and again', async () => {
    let { refreshToken, sessionId } = await server.signUp()
    for (let round = 0; round < 3; round++) {
      const answer = await refresh(refreshToken)
      expect(answer.status).toBe(200)
      expect(Object.keys(answer.body).sort()).toEqual(['accessToken', 'expiresIn', 'refreshToken'])
      expect(answer.body.refreshToken).not.toBe(refreshToken)
      expect((jwt.decode(answer.body.accessToken) as jwt.JwtPayload)['sid']).toBe(sessionId)
      expect((await me(answer.body.accessToken)).status).toBe(200)
      refreshToken = answer.body.refreshToken
    }
  })

  test('[AUTH-10] revokes the session when a former refresh token is used again, however old', async () => {
    const person = await server.signUp()
    let latest = person.refreshToken
    for (let round = 0; round < 25; round++) latest = (await refresh(latest)).body.refreshToken
    expect((await refresh(person.refreshToken)).status).toBe(401)
    expect((await refresh(latest)).status).toBe(401)
    expect((await me(person.accessToken)).status).toBe(401)
    expect(await audits(person.id)).toContain('SessionReuse')
  })

  test('[AUTH-11] gives a refresh token tried twice at once to one, and revokes the session for the other', async () => {
    for (let round = 0; round < 5; round++) {
      const person = await server.signUp()
      const both = await Promise.all([refresh(person.refreshToken), refresh(person.refreshToken)])
      expect(both.map((answer) => answer.status).sort()).toEqual([200, 401])
      const won = both.find((answer) => answer.status === 200)!
      expect((await refresh(won.body.refreshToken)).status).toBe(401)
      expect((await me(won.body.accessToken)).status).toBe(401)
    }
  })

  test('[AUTH-12] lets nobody revoke a session with a refresh token that was never given', async () => {
    const person = await server.signUp()
    const forged = [
      `ppr_${person.sessionId}_abc.def`,
      person.refreshToken.slice(0, -1),
      person.refreshToken.replace(/_(.)/g, '_x$1'),
    ]
    for (const token of [...forged, 'x', 'ppr__.']) expect((await refresh(token)).status).toBe(401)
    expect((await me(person.accessToken)).status).toBe(200)
    expect((await refresh(person.refreshToken)).status).toBe(200)
  })

  test('[AUTH-13] logs out: the bearer, or by refresh token', async () => {
    const person = await server.signUp()
    expect((await server.ask('POST', '/api/v1/auth/logout', { token: person.accessToken })).status).toBe(204)
    expect((await me(person.accessToken)).status).toBe(401)
    expect((await refresh(person.refreshToken)).status).toBe(401)
    expect(await audits(person.id)).toContain('UserLogout')
    const other = await login(person)
    const { refreshToken, accessToken } = other.body
    expect((await server.ask('POST', '/api/v1/auth/logout', { body: { refreshToken } })).status).toBe(204)
    expect((await me(accessToken)).status).toBe(401)
    expect((await server.ask('POST', '/api/v1/auth/logout')).status).toBe(401)
  })

  test('[AUTH-14] keeps the web client’s refresh token in a cookie, only for who asks by header', async () => {
    const person = await server.signUp()
    expect((await login(person)).headers.get('Set-Cookie')).toBeNull()
    const web = { 'X-Phantom-Client': 'web' }
    const signedIn = await login(person, web)
    const set = signedIn.headers.get('Set-Cookie')!
    expect(set).toMatch(/^pp_refresh=ppr_/)
    expect(set).toMatch(/HttpOnly/)
    expect(set).toMatch(/SameSite=Strict/)
    expect(set).toMatch(/Path=\/api\/v1\/auth(;|$)/)
    expect(set).not.toMatch(/Secure/)
    const cookie = set.split(';')[0]!
    const without = await server.ask('POST', '/api/v1/auth/refresh', { headers: { Cookie: cookie } })
    expect(without.status).toBe(401)
    const next = await server.ask('POST', '/api/v1/auth/refresh', { headers: { Cookie: cookie, ...web } })
    expect(next.status).toBe(200)
    const nextCookie = next.headers.get('Set-Cookie')!.split(';')[0]!
    expect(nextCookie).not.toBe(cookie)
    const out = await server.ask('POST', '/api/v1/auth/logout', { headers: { Cookie: nextCookie, ...web } })
    expect(out.status).toBe(204)
    expect(out.headers.get('Set-Cookie')).toMatch(/^pp_refresh=;.*Max-Age=0/)
    expect((await me(next.body.accessToken)).status).toBe(401)
    const https = await startServer({ mongoUri: mongod.uri, env: { PUBLIC_URL: 'https://phantom.example' } })
    try {
      const secure = await https.ask('POST', '/api/v1/auth/login', {
        body: { email: person.email, password: person.password },
        headers: web,
      })
      expect(secure.headers.get('Set-Cookie')).toMatch(/; Secure/)
    } finally {
      await https.close()
    }
  })
})

describe('a page that is loaded anew', () => {
  test('[AUTH-39] gives a page that lost the answer to its cookie the same one again for half a minute, another for a day, and no older one', async () => {
    const person = await server.signUp()
    const web = { 'X-Phantom-Client': 'web' }
    const cookieOf = (answer: Answer) => answer.headers.get('Set-Cookie')!.split(';')[0]!
    const refresh = (cookie: string) =>
      server.ask('POST', '/api/v1/auth/refresh', { headers: { Cookie: cookie, ...web } })
    const first = cookieOf(await login(person, web))
    // The answer to one is lost, or both are under way at once.
    const [one, other] = await Promise.all([refresh(first), refresh(first)])
    const again = await refresh(first)
    expect([one.status, other.status, again.status]).toEqual([200, 200, 200])
    const second = cookieOf(one)
    expect([cookieOf(other), cookieOf(again)]).toEqual([second, second])
    expect((await me(again.body.accessToken)).status).toBe(200)
    const later = (ms: number) =>
      raw
        .collection('sessions')
        .updateMany({ userId: person.id }, [{ $set: { refreshedAt: { $subtract: ['$refreshedAt', ms] } } }])
    // Half a minute later it gets another one, and again if that is lost too.
    const third = cookieOf(await refresh(second))
    expect(third).not.toBe(second)
    let last = third
    for (let turn = 0; turn < 2; turn++) {
      await later(31_000)
      const all = await Promise.all([refresh(second), refresh(second), refresh(second)])
      expect(all.map(({ status }) => status)).toEqual([200, 200, 200])
      expect(new Set(all.map(cookieOf)).size).toBe(1)
      expect(cookieOf(all[0])).not.toBe(last)
      last = cookieOf(all[0])
    }
    // Whoever had the first answer after all finds that another was given: one of the two is a thief.
    expect((await refresh(third)).status).toBe(401)
    expect((await refresh(last)).status).toBe(401)
    // A day later it is over.
    const old = cookieOf(await login(person, web))
    const unheard = cookieOf(await refresh(old))
    await later(24 * 3600 * 1000 + 1000)
    expect((await refresh(old)).status).toBe(401)
    expect((await refresh(unheard)).status).toBe(401)
    // One before the last is stolen at any time.
    const fresh = cookieOf(await login(person, web))
    const newest = cookieOf(await refresh(cookieOf(await refresh(fresh))))
    expect((await refresh(fresh)).status).toBe(401)
    expect((await refresh(newest)).status).toBe(401)
  })
})

describe('addresses and passwords', () => {
  test('[AUTH-15] verifies an address by the mailed token, once', async () => {
    const person = await server.signUp()
    const token = tokenIn(await server.mailTo(person.email, 'Confirm your e-mail address'))
    const verify = () => server.ask('POST', '/api/v1/auth/verify-email', { body: { token } })
    expect((await verify()).status).toBe(204)
    expect((await me(person.accessToken)).body.user.isVerified).toBe(true)
    expect(await verify()).toMatchObject({ status: 422, body: { code: 'invalid', errors: [{ path: 'token' }] } })
    const tokens = await raw.collection('authtokens').find({ userId: person.id }).toArray()
    expect(JSON.stringify(tokens)).not.toContain(token)
  })

  test('[AUTH-16] resets a password by mail, once and within the hour, and revokes all sessions', async () => {
    const person = await server.signUp()
    const forgot = () => server.ask('POST', '/api/v1/auth/password/forgot', { body: { email: person.email } })
    const reset = (token: string, password: string) =>
      server.ask('POST', '/api/v1/auth/password/reset', { body: { token, password } })
    expect((await forgot()).status).toBe(204)
    const first = tokenIn(await server.mailTo(person.email, 'Reset your password'))
    await forgot()
    const second = tokenIn(await server.mailTo(person.email, 'Reset your password'))
    expect((await reset(first, 'a new password')).status).toBe(422)
    await raw
      .collection('authtokens')
      .updateOne({ userId: person.id, purpose: 'reset' }, { $set: { expiresAt: new Date(Date.now() - 1) } })
    expect((await reset(second, 'a new password')).status).toBe(422)
    await forgot()
    const third = tokenIn(await server.mailTo(person.email, 'Reset your password'))
    const both = await Promise.all([reset(third, 'a new password'), reset(third, 'another password')])
    expect(both.map((answer) => answer.status).sort()).toEqual([204, 422])
    expect((await me(person.accessToken)).status).toBe(401)
    expect((await refresh(person.refreshToken)).status).toBe(401)
    expect((await login(person)).status).toBe(401)
    const password = both[0]!.status === 204 ? 'a new password' : 'another password'
    expect((await login({ email: person.email, password })).status).toBe(200)
    expect(await audits(person.id)).toContain('PasswordReset')
  })

  test('[AUTH-17] answers alike whether or not a forgotten e-mail has an account, and mails nobody else', async () => {
    const person = await server.signUp()
    const before = server.mails.length
    const known = await server.ask('POST', '/api/v1/auth/password/forgot', { body: { email: person.email } })
    const unknown = await server.ask('POST', '/api/v1/auth/password/forgot', { body: { email: 'nobody@example.com' } })
    expect([unknown.status, unknown.body]).toEqual([known.status, known.body])
    await server.mailTo(person.email, 'Reset your password')
    expect(server.mails.slice(before).filter((mail) => mail.to === 'nobody@example.com')).toEqual([])
  })

  test('[AUTH-18] changes a password, keeps this session and revokes the others', async () => {
    const person = await server.signUp()
    const other = (await login(person)).body
    const change = (currentPassword: string) =>
      server.ask('POST', '/api/v1/auth/password/change', {
        token: person.accessToken,
        body: { currentPassword, newPassword: 'a new password' },
      })
    expect(await change('wrong password')).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'currentPassword' }] },
    })
    expect((await me(other.accessToken)).status).toBe(200)
    expect((await change(person.password)).status).toBe(204)
    expect((await me(other.accessToken)).status).toBe(401)
    expect((await refresh(other.refreshToken)).status).toBe(401)
    expect((await me(person.accessToken)).status).toBe(200)
    expect((await login(person)).status).toBe(401)
    expect((await login({ email: person.email, password: 'a new password' })).status).toBe(200)
  })

  test('[AUTH-19] leaves no session of the old password behind, log-ins racing with a reset', async () => {
    for (let round = 0; round < 5; round++) {
      const person = await server.signUp()
      await server.ask('POST', '/api/v1/auth/password/forgot', { body: { email: person.email } })
      const token = tokenIn(await server.mailTo(person.email, 'Reset your password'))
      const body = { token, password: 'a new password' }
      const racing = Promise.all([...Array(8)].map(() => login(person)))
      const reset = await server.ask('POST', '/api/v1/auth/password/reset', { body })
      expect(reset.status).toBe(204)
      for (const answer of await racing) {
        if (answer.status === 200) expect((await me(answer.body.accessToken)).status).toBe(401)
        else expect(answer.status).toBe(401)
      }
    }
  })
})
