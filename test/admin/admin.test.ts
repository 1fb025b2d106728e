import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { io, type Socket } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { checkNode } from '../../scripts/admin/doctor.ts'
import { compareClocks } from '../../scripts/admin/doctor-mongo.ts'
import { startTestMongod, type TestMongod } from '../support/mongod.ts'
import { type Instance, post, runScript, startInstance } from '../support/processes.ts'

// Each command is a process of its own, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

let mongod: TestMongod
let dataDir = ''
let instance: Instance
let env: Record<string, string> = {}

beforeAll(async () => {
  mongod = await startTestMongod('admin')
  dataDir = await mkdtemp(join(tmpdir(), 'phantom-power-admin-'))
  env = { MONGODB_URI: mongod.uri, DATA_DIR: dataDir }
  instance = await startInstance(env)
})

afterAll(async () => {
  await instance?.close()
  await mongod?.close()
  await rm(dataDir, { recursive: true, force: true })
})

const admin = (...args: string[]) => runScript('admin.ts', args, env)

interface SignedIn {
  user: { id: string; role: string }
  accessToken: string
}
const login = (email: string, password: string) =>
  post<SignedIn>(`${instance.url}/api/v1/auth/login`, { email, password })
const register = (email: string) =>
  post<SignedIn>(`${instance.url}/api/v1/auth/register`, { email, password: 'correct horse', displayName: 'Jane D' })

async function connect(token: string): Promise<Socket> {
  const socket = io(instance.url, { auth: { token }, transports: ['websocket'], reconnection: false })
  onTestFinished(() => void socket.disconnect())
  await new Promise((resolve, reject) => socket.once('ready', resolve).once('connect_error', reject))
  return socket
}

describe('npm run admin', () => {
  it('[ADM-01] tells what it can do, and refuses with exit code 2 what it does not understand', async () => {
    const [help, own, none, unknown, missing, wrong] = await Promise.all([
      admin('--help'),
      admin('bot-token', '--help'),
      admin(),
      admin('dance'),
      admin('bot-token', '--owner', 'jane@example.com'),
      admin('create-admin', '--email', 'jane', '--password', 'correct horse'),
    ])
    expect([help, own, none, unknown, missing, wrong].map(({ code }) => code)).toEqual([0, 0, 2, 2, 2, 2])
    for (const command of ['create-admin', 'bot-token', 'revoke-sessions', 'doctor'])
      expect(help.stdout).toContain(command)
    expect(own.stdout).toMatch(/--scopes A,B.*\n?/)
    expect(unknown.stderr).toContain('There is no command "dance"')
    expect(missing.stderr).toContain('--name is missing')
    expect(wrong.stderr).toContain('--email: ')
  })

  it('[ADM-02] makes an admin with a password shown once, which logs in; a second time nothing changes', async () => {
    const made = await admin('create-admin', '--email', 'Root@example.com')
    const password = /shown this once: (\S+)/.exec(made.stdout)?.[1]
    expect(made).toMatchObject({ code: 0 })
    expect((await login('root@example.com', password!)).user.role).toBe('admin')
    const again = await admin('create-admin', '--email', 'root@example.com', '--password', 'another password')
    expect(again.code).toBe(0)
    expect(again.stdout).toContain('was an admin already')
    expect((await login('root@example.com', password!)).user.role).toBe('admin')
  })

  it('[ADM-03] promotes an account that there is; its password stays', async () => {
    await register('promoted@example.com')
    const promoted = await admin('create-admin', '--email', 'promoted@example.com')
    expect(promoted.stdout, promoted.stderr).toContain('is an admin now')
    expect((await login('promoted@example.com', 'correct horse')).user.role).toBe('admin')
  })

  it('[ADM-04] makes a bot whose token connects and covers its scopes alone', async () => {
    await register('owner@example.com')
    const made = await admin('bot-token', '--owner', 'owner@example.com', '--name', 'Echo', '--scopes', 'rooms:read')
    expect(made.code).toBe(0)
    const socket = await connect(made.stdout.trim().split('\n').at(-1)!)
    const ack = await socket.timeout(20_000).emitWithAck('room:create', { name: 'No' })
    expect(ack).toMatchObject({ ok: false, error: { code: 'forbidden' } })
    const [stranger, scope] = await Promise.all([
      admin('bot-token', '--owner', 'nobody@example.com', '--name', 'Echo', '--scopes', 'rooms:read'),
      admin('bot-token', '--owner', 'owner@example.com', '--name', 'Echo', '--scopes', 'rooms:fly'),
    ])
    expect([stranger.code, scope.code]).toEqual([1, 2])
    expect(stranger.stderr).toContain('nobody@example.com')
    expect(scope.stderr).toContain('there is no scope "rooms:fly"')
  })

  it('[ADM-05] ends all sessions of an account on a running instance within 1 s, and no others', async () => {
    const first = await register('gone@example.com')
    const second = await login('gone@example.com', 'correct horse')
    const other = await register('stays@example.com')
    const sockets = await Promise.all([first, second, other].map(({ accessToken }) => connect(accessToken)))
    const endedAt: number[] = []
    for (const socket of sockets) socket.on('disconnect', () => endedAt.push(Date.now()))
    const revoked = await admin('revoke-sessions', '--email', 'gone@example.com')
    const done = Date.now()
    expect(revoked.stdout).toContain('Ended 2 sessions')
    await expect.poll(() => endedAt.length).toBe(2)
    // The command goes on for a moment after the revocation, which only makes this stricter for it, not for the server.
    expect(Math.max(...endedAt) - done).toBeLessThan(1_000)
    expect(sockets.map((socket) => socket.connected)).toEqual([false, false, true])
    const me = (token: string) => fetch(`${instance.url}/api/v1/me`, { headers: { Authorization: `Bearer ${token}` } })
    expect((await me(first.accessToken)).status).toBe(401)
    expect((await me(other.accessToken)).status).toBe(200)
  })

  it('[ADM-06] doctor finds all well where it is', async () => {
    const seen = await runScript('admin.ts', ['doctor'], { ...env, REDIS_URL: process.env['TEST_REDIS_URL'] ?? '' })
    expect(seen.stdout).not.toContain('FAIL')
    expect(seen.code).toBe(0)
    const subjects = ['Node', 'configuration', 'DATA_DIR', 'disk', 'secret', 'MongoDB', 'replica set', 'majority write']
    for (const subject of [...subjects, 'indexes', 'clock', 'Redis']) {
      expect(seen.stdout).toMatch(new RegExp(`^(ok|warn) +${subject}: `, 'm'))
    }
  })

  it('[ADM-07] doctor fails, with what to do, where something is wrong', async () => {
    const odd = await mkdtemp(join(tmpdir(), 'phantom-power-admin-'))
    onTestFinished(() => rm(odd, { recursive: true, force: true }))
    await writeFile(join(odd, 'jwt-secret'), 'x'.repeat(64))
    await chmod(join(odd, 'jwt-secret'), 0o644)
    const [broken, config] = await Promise.all([
      runScript('admin.ts', ['doctor'], {
        DATA_DIR: odd,
        MONGODB_URI: 'mongodb://127.0.0.1:9/?replicaSet=none',
        REDIS_URL: 'redis://127.0.0.1:9',
      }),
      runScript('admin.ts', ['doctor'], { PORT: 'many' }),
    ])
    expect([broken.code, config.code]).toEqual([1, 1])
    for (const subject of ['secret', 'MongoDB', 'Redis'])
      expect(broken.stdout).toMatch(new RegExp(`^FAIL +${subject}: `, 'm'))
    expect(broken.stdout).toContain('chmod 600')
    expect(config.stdout).toMatch(/^FAIL +configuration: PORT: /m)
    expect(checkNode('18.20.0').grade).toBe('FAIL')
    expect(checkNode('20.19.0').grade).toBe('ok')
    expect([10, 5_000, 600_000].map((ms) => compareClocks(new Date(ms), 0, 0).grade)).toEqual(['ok', 'warn', 'FAIL'])
  })

  it('[ADM-08] finds the embedded MongoDB of a running instance, and starts it where none runs', async () => {
    const own = await mkdtemp(join(tmpdir(), 'phantom-power-admin-'))
    const alone = { DATA_DIR: own }
    onTestFinished(() => rm(own, { recursive: true, force: true }))
    const started = await startInstance(alone)
    try {
      const beside = await runScript('admin.ts', ['create-admin', '--email', 'a@example.com'], alone)
      expect(beside.stderr).not.toContain('mongod: ready')
      expect(beside.code).toBe(0)
    } finally {
      await started.close()
    }
    await expect(readFile(join(own, 'mongo-address.json'))).rejects.toMatchObject({ code: 'ENOENT' })
    // Two commands at once take turns with the folder.
    const turns = await Promise.all(
      [1, 2].map(() => runScript('admin.ts', ['create-admin', '--email', 'a@example.com'], alone)),
    )
    for (const turn of turns) {
      expect(turn.stderr).toContain('mongod: ready')
      expect(turn.stdout, turn.stderr).toContain('was an admin already')
    }
  })
})
