import { createPublicKey } from 'node:crypto'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import jwt from 'jsonwebtoken'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { createPushSender } from '../../src/infra/push-sender.ts'
import { loadVapid } from '../../src/infra/secret.ts'
import { until } from '../support/socket.ts'
import { createWorld, type Person, type World } from '../support/world.ts'
import { startMailService } from './mail-service.ts'
import { createBrowser, type PushService, startPushService } from './push-service.ts'
import { createStage } from './stage.ts'

describe('mails that collect, and pushes', () => {
  let world: World
  let service: PushService
  let mail: Awaited<ReturnType<typeof startMailService>>
  const { ask, audio } = createStage(() => world)
  beforeAll(async () => {
    service = await startPushService()
    mail = await startMailService()
    world = await createWorld({
      digestMs: 1_500,
      push: { agent: service.agent, accepts: ({ origin }) => origin === service.url },
      config: { smtpUrl: mail.url },
    })
  })
  afterAll(async () => {
    await world?.close()
    await service?.close()
    await mail?.close()
  })

  const subscriptions = (person: Person) =>
    world.database.collection('pushsubscriptions').find({ userId: person.id }).toArray()
  const noJobs = (kind: string) =>
    until(
      async () => (await world.database.collection('jobs').countDocuments({ kind, failedAt: null })) === 0,
      25_000,
      `no ${kind} is left`,
    )
  /** A browser of somebody's that is subscribed at a path of the push service. */
  async function subscribe(as: { accessToken: string }, path: string) {
    const browser = createBrowser(service.url + path)
    await ask(201, 'POST', '/me/push-subscriptions', { as, body: browser.subscription })
    return browser
  }
  const like = async (owner: Person, fan: Person) => {
    const targetId = await audio(owner)
    await ask(200, 'PUT', '/likes', { as: fan, body: { targetType: 'AudioFile', targetId } })
    return targetId
  }

  it('[SOC-29] what comes together and stays unread is one mail, for who wants mails, each thing once', async () => {
    const [ann, bob, cy] = await world.users('Ann', 'Bob', 'Cy')
    const types = { NewLike: { inApp: true, email: true }, NewFollow: { inApp: false, email: true } }
    await ask(200, 'PUT', '/notifications/preferences', { as: ann!, body: { types } })
    const targetId = await like(ann!, bob!)
    await ask(200, 'PUT', '/likes', { as: cy!, body: { targetType: 'AudioFile', targetId } })
    await ask(200, 'PUT', `/follows/${ann!.id}`, { as: cy! })
    await ask(201, 'POST', '/comments', { as: cy!, body: { targetType: 'AudioFile', targetId, content: 'x' } })
    const ours = () => mail.mails.filter((text) => text.includes(`To: ${ann!.email}`))
    await noJobs('notification:digest')
    const all = () => ours().join('\n')
    expect(all()).toContain('Cy follows you')
    expect(all()).toMatch(/Cy and 1 other like something of yours|Bob likes something of yours/)
    expect(all()).not.toContain('commented')
    // A span may end between two of the acts: then there are two mails, and nothing is in both.
    expect(ours().length).toBeLessThanOrEqual(2)
    expect(all().match(/^- .*follows you/gm)).toHaveLength(1)
    const before = mail.mails.length
    await ask(200, 'POST', '/notifications/read', { as: ann!, body: { all: true } })
    await like(ann!, bob!)
    await ask(200, 'POST', '/notifications/read', { as: ann!, body: { all: true } })
    await noJobs('notification:digest')
    expect(mail.mails).toHaveLength(before)
    expect((await ask(200, 'GET', '/notifications', { as: ann! })).items.map((note: any) => note.type)).not.toContain(
      'NewFollow',
    )
  })

  it('[SOC-30] a browser gets an encrypted push, signed with the public key that it was given', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const browser = await subscribe(ann!, '/a')
    const targetId = await like(ann!, bob!)
    await until(() => service.to('/a').length === 1, 60_000, 'a push')
    const [push] = service.to('/a')
    const read = browser.read(push!.body)
    const [note] = (await ask(200, 'GET', '/notifications', { as: ann! })).items
    expect(read).toMatchObject({
      id: note.id,
      type: 'NewLike',
      text: 'Bob likes something of yours',
      payload: { actorId: bob!.id, targetType: 'AudioFile', targetId },
    })
    expect(push!.headers).toMatchObject({ 'content-encoding': 'aes128gcm', ttl: '86400' })
    const { publicKey } = await ask(200, 'GET', '/push/public-key')
    const [, token, key] = /^vapid t=([^,]+), k=(.+)$/.exec(String(push!.headers.authorization))!
    expect(key).toBe(publicKey)
    const point = Buffer.from(publicKey, 'base64url')
    const [x, y] = [point.subarray(1, 33).toString('base64url'), point.subarray(33).toString('base64url')]
    const jwk = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' })
    const claims = jwt.verify(token!, jwk as never, { algorithms: ['ES256'] })
    expect(claims).toMatchObject({ aud: service.url, sub: expect.stringMatching(/^mailto:/) })
    // Again from the same browser: still one subscription; another user's is taken over.
    await ask(201, 'POST', '/me/push-subscriptions', { as: ann!, body: browser.subscription })
    expect((await ask(200, 'GET', '/me/push-subscriptions', { as: ann! })).items).toHaveLength(1)
    expect(JSON.stringify(await ask(200, 'GET', '/me/push-subscriptions', { as: ann! }))).not.toMatch(/auth|p256dh/)
    await ask(201, 'POST', '/me/push-subscriptions', { as: bob!, body: browser.subscription })
    expect(await subscriptions(ann!)).toEqual([])
    await ask(204, 'DELETE', '/me/push-subscriptions', { as: ann!, body: { endpoint: browser.subscription.endpoint } })
    expect(await subscriptions(bob!)).toHaveLength(1)
    const query = `endpoint=${encodeURIComponent(browser.subscription.endpoint)}`
    await ask(204, 'DELETE', `/me/push-subscriptions?${query}`, { as: bob! })
    expect(await subscriptions(bob!)).toEqual([])
  })

  it('[SOC-31] who is connected gets none; who has just left gets it all the same', async () => {
    const [ann, bob, cy] = await world.users('Ann', 'Bob', 'Cy')
    await subscribe(ann!, '/here')
    await subscribe(cy!, '/leaving')
    const here = await world.connect(ann!)
    const leaving = await world.connect(cy!)
    const isHere = async (person: Person) => {
      const presence = await world.database.collection('presences').findOne({ _id: person.id as never })
      return (presence?.['instances'].length ?? 0) > 0
    }
    await until(async () => (await isHere(ann!)) && (await isHere(cy!)))
    leaving.close()
    await like(ann!, bob!)
    await like(cy!, bob!)
    await here.next('notification')
    await until(() => service.to('/leaving').length === 1, 60_000, 'the push to who has left')
    await noJobs('notification:push')
    expect(service.to('/here')).toEqual([])
  })

  it('[SOC-32] a subscription goes when its service forgets it, its session ends or its pushes are lost', async () => {
    const [ann, bob, cy, dee] = await world.users('Ann', 'Bob', 'Cy', 'Dee')
    await subscribe(ann!, '/gone')
    await subscribe(ann!, '/kept')
    service.answer('/gone', 410)
    // Out of order for a moment: tried again.
    service.answer('/kept', 503, 201)
    await like(ann!, dee!)
    await until(() => service.to('/kept').length === 2, 60_000, 'the second try')
    await until(async () => (await subscriptions(ann!)).length === 1)
    expect((await subscriptions(ann!)).map(({ endpoint }) => endpoint)).toEqual([`${service.url}/kept`])
    // Another device's log-in ends: its browser gets no more.
    const other = await ask(200, 'POST', '/auth/login', { body: { email: bob!.email, password: bob!.password } })
    await subscribe(other, '/revoked')
    await ask(204, 'DELETE', `/sessions/${other.session.id}`, { as: bob! })
    await like(bob!, dee!)
    await until(async () => (await subscriptions(bob!)).length === 0)
    expect(service.to('/revoked')).toEqual([])
    await subscribe(cy!, '/refused')
    service.answer('/refused', 400)
    for (let n = 0; n < 3; n++) await like(cy!, dee!)
    await until(async () => (await subscriptions(cy!)).length === 0)
    expect(service.to('/refused')).toHaveLength(3)
    for (let n = 0; n < 22; n++) await subscribe(dee!, `/many/${n}`)
    expect(await subscriptions(dee!)).toHaveLength(20)
  })

  it('[SOC-33] only https on the open net is pushed to, whatever a name leads to', async () => {
    const keys = await loadVapid({ ...readConfig({}), dataDir: await mkdtemp(join(tmpdir(), 'phantom-vapid-')) })
    const sender = createPushSender(keys)
    for (const endpoint of [
      'http://push.example.com/x',
      'https://127.0.0.1/x',
      'https://2130706433/x',
      'https://0x7f.1/x',
      'https://[::1]/x',
      'https://[::ffff:10.0.0.1]/x',
      'https://10.1.2.3/x',
      'https://8.8.8.8/x',
      'https://localhost/x',
      'https://intranet/x',
      'https://db.internal/x',
      'https://printer.local./x',
      'https://push.example.com:8443/x',
      'https://user:secret@push.example.com/x',
      'ftp://push.example.com/x',
      'nonsense',
    ]) {
      expect(sender.accepts(endpoint), endpoint).toBe(false)
    }
    expect(sender.accepts('https://fcm.googleapis.com/fcm/send/abc')).toBe(true)
    const { keys: browser } = createBrowser('').subscription
    const target = { endpoint: service.url.replace('127.0.0.1', 'localhost'), ...browser }
    await expect(sender.send(target, 'x')).rejects.toThrow('not on the open net')
    sender.close()
    const ann = await world.user('Ann')
    const { subscription } = createBrowser('https://10.0.0.1/x')
    await ask(422, 'POST', '/me/push-subscriptions', { as: ann, body: subscription })
    const wrong = { ...subscription, endpoint: `${service.url}/x`, keys: { p256dh: 'abc', auth: 'abc' } }
    await ask(422, 'POST', '/me/push-subscriptions', { as: ann, body: wrong })
    await ask(401, 'POST', '/me/push-subscriptions', { body: subscription })
  })

  it('[SOC-34] the pair of keys is made once, for its owner alone to read, or taken from the environment', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'phantom-vapid-'))
    const config = { ...readConfig({}), dataDir }
    const loaded = await Promise.all([loadVapid(config), loadVapid(config), loadVapid(config)])
    expect(new Set(loaded.map(({ privateKey }) => privateKey)).size).toBe(1)
    const path = join(dataDir, 'vapid-keys.json')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readFile(path, 'utf8')).toContain(loaded[0]!.publicKey)
    const { publicKey, privateKey } = loaded[0]!
    const given = readConfig({
      VAPID_PUBLIC_KEY: publicKey,
      VAPID_PRIVATE_KEY: privateKey,
      VAPID_SUBJECT: 'mailto:ops@example.com',
    })
    expect(await loadVapid({ ...given, dataDir: '/nowhere' })).toEqual({
      publicKey,
      privateKey,
      subject: 'mailto:ops@example.com',
    })
    expect(() => readConfig({ VAPID_PUBLIC_KEY: publicKey })).toThrow(/VAPID_PRIVATE_KEY/)
    expect(() => readConfig({ VAPID_PUBLIC_KEY: 'short', VAPID_PRIVATE_KEY: privateKey })).toThrow(/VAPID_PUBLIC_KEY/)
    await rm(dataDir, { recursive: true })
  })
})
