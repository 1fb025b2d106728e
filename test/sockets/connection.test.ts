import { once } from 'node:events'
import { request } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { TestSocket } from '../support/socket.ts'
import { createWorld, type Person, type World } from '../support/world.ts'
import { cast, expectOrdered, fresh, roomOf, say, settle } from '../support/worlds.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ instances: 2, config: { corsOrigins: ['https://app.example.com'] } })
})
afterAll(() => world?.close())

const login = async ({ email, password }: Person): Promise<Person> => {
  const { body } = await world.ask('POST', '/api/v1/auth/login', { body: { email, password } })
  return { ...body, id: body.user.id, sessionId: body.session.id }
}

/** A WebSocket to Engine.IO without a client's help; `frames` collects what it receives. */
async function rawSocket(token: string, instance = 0) {
  const url = world.instances[instance]!.url.replace('http', 'ws')
  const socket = new WebSocket(`${url}/socket.io/?EIO=4&transport=websocket`)
  const frames: string[] = []
  let closed: number | undefined
  socket.on('message', (data) => frames.push(String(data)))
  socket.on('error', () => {})
  socket.on('close', (code) => {
    closed = code
  })
  await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject))
  await world.until(() => frames.some((frame) => frame.startsWith('0')))
  socket.send(`40${JSON.stringify({ token })}`)
  await world.until(() => frames.some((frame) => frame.startsWith('42["ready"')))
  return { socket, frames, closed: () => closed }
}

test('[SOCK-10] a refused handshake is a connect_error whose data.code says why', async () => {
  const person = await world.user()
  for (const accessToken of [
    '',
    'x',
    `${person.accessToken}x`,
    person.refreshToken,
    `ppb_${person.id}_${'x'.repeat(40)}`,
  ]) {
    for (const transports of [['websocket'], ['polling']]) {
      await expect(world.connect({ accessToken }, 0, { transports })).rejects.toMatchObject({ code: 'unauthenticated' })
    }
  }
  for (const auth of [{}, { token: 7 }, { token: { $gt: '' } }, { token: ['x'] }]) {
    await expect(world.connect(person, 0, { auth })).rejects.toMatchObject({ code: 'unauthenticated' })
  }
})

test('[SOCK-11] a revoked session’s sockets are told and cut off within 1 s on all instances; others stay', async () => {
  const person = await world.user()
  const other = await login(person)
  const [stays, ...go] = await Promise.all([
    world.connect(person, 1),
    world.connect(other, 0),
    world.connect(other, 1),
    world.connect(other, 1, { transports: ['polling'] }),
  ])
  const lag = monitorEventLoopDelay({ resolution: 5 })
  lag.enable()
  const began = performance.now()
  const { status } = await world.ask('DELETE', `/api/v1/sessions/${other.sessionId}`, { as: person })
  expect(status).toBe(204)
  await world.until(() => go.every((socket) => socket.closedBy()))
  const took = performance.now() - began
  lag.disable()
  // What the machine itself was late does not count.
  expect(took - lag.max / 1e6).toBeLessThan(1_000)
  for (const socket of go) {
    expect(socket.of('session:revoked')).toEqual([{ sessionId: other.sessionId, reason: 'revoked' }])
    expect(socket.closedBy()).toMatch(/server disconnect|transport (close|error)/)
  }
  expect(stays!.closedBy()).toBeUndefined()
  expect(await stays!.codeOf('dm:conversations')).toBe('ok')
  await expect(world.connect(other, 0)).rejects.toMatchObject({ code: 'unauthenticated' })
})

test('[SOCK-12] pages of foreign origins get no connection, over WebSocket nor polling', async () => {
  const person = await world.user()
  const { url } = world.instances[0]!
  const webSocket = (origin: string) =>
    new Promise<number>((resolve) => {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`, { origin })
      socket.on('open', () => {
        resolve(101)
        socket.terminate()
      })
      socket.on('unexpected-response', (_request, response) => {
        resolve(response.statusCode!)
        response.resume()
      })
      socket.on('error', () => resolve(0))
    })
  const polling = (origin: string) =>
    new Promise<[number, unknown]>((resolve, reject) => {
      request(`${url}/socket.io/?EIO=4&transport=polling`, { headers: { origin } }, (response) => {
        resolve([response.statusCode!, response.headers['access-control-allow-origin']])
        response.resume()
      })
        .on('error', reject)
        .end()
    })
  for (const origin of [
    'https://evil.example.com',
    'null',
    `${url}.evil.example.com`,
    'https://app.example.com:8443',
  ]) {
    expect([400, 403]).toContain(await webSocket(origin))
    const [status, allowed] = await polling(origin)
    expect([400, 403]).toContain(status)
    expect([undefined, 'https://app.example.com']).toContain(allowed)
  }
  for (const origin of ['https://app.example.com', url]) {
    expect(await webSocket(origin)).toBe(101)
    expect((await polling(origin))[0]).toBe(200)
  }
  // Programs send no Origin.
  expect((await world.connect(person)).ready.userId).toBe(person.id)
})

test('[SOCK-13] polling, and the change from it to WebSocket, deliver the same', async () => {
  const { people, sockets } = await cast(world, 'Ann', 'Ben')
  const [ann, ben] = sockets as [TestSocket, TestSocket]
  const room = await roomOf(sockets)
  const polling = await world.connect(people[1]!, 0, { transports: ['polling'] })
  const changing = await world.connect(people[1]!, 1, { transports: ['polling', 'websocket'] })
  for (let index = 0; index < 30; index++) await say(index % 2 ? ann : polling, room)
  for (const socket of [polling, changing, ben]) {
    await socket.reach({ roomId: room.id }, 31)
    expect(socket.changes({ roomId: room.id })).toHaveLength(30)
    expectOrdered(socket, { roomId: room.id })
  }
  await world.until(() => changing.socket.io.engine.transport.name === 'websocket')
  expect(polling.socket.io.engine.transport.name).toBe('polling')
})

test('[SOCK-14] a missing ack is no error; what is not an event is invalid', async () => {
  const { sockets } = await cast(world, 'Ann')
  const [ann] = sockets as [TestSocket]
  const room = await roomOf(sockets)
  ann.socket.emit('room:send', { roomId: room.id, clientId: fresh(), content: 'no ack' })
  ann.socket.emit('room:send', { roomId: 'nonsense' })
  ann.socket.emit('no:such:event')
  expect((await ann.next('room:message')).content).toBe('no ack')
  expect(await ann.codeOf('no:such:event', {})).toBe('invalid')
  for (const name of ['constructor', '__proto__', 'toString', 'room:sends', 'ready', '', 'x'.repeat(5_000)]) {
    expect(await ann.codeOf(name, { roomId: room.id })).toBe('invalid')
  }
  for (const payload of [null, 1, 'x', [], [{ roomId: room.id }], true]) {
    expect(await ann.codeOf('room:history', payload)).toBe('invalid')
  }
  // Without a payload at all, and with more arguments than one.
  expect((await ann.socket.timeout(5_000).emitWithAck('dm:conversations')).ok).toBe(true)
  expect((await ann.socket.timeout(5_000).emitWithAck('dm:conversations', {}, { limit: -1 }, 'x')).ok).toBe(true)
})

test('[SOCK-15] binary payloads are answered as invalid, and harm nobody', async () => {
  const { sockets } = await cast(world, 'Ann')
  const [ann] = sockets as [TestSocket]
  const room = await roomOf(sockets)
  for (const payload of [
    Buffer.from('x'),
    { roomId: room.id, clientId: Buffer.from('x'), content: 'x' },
    { roomId: room.id, clientId: 'x', content: Buffer.alloc(1_000) },
    { roomId: Buffer.from(room.id), clientId: 'x', content: 'x' },
  ]) {
    expect(await ann.codeOf('room:send', payload)).toBe('invalid')
  }
  expect(ann.closedBy()).toBeUndefined()
})

test('[SOCK-16] what is larger than MAX_EVENT_BYTES ends its connection alone', async () => {
  const { sockets } = await cast(world, 'Ann', 'Ben')
  const [ann, ben] = sockets as [TestSocket, TestSocket]
  const room = await roomOf(sockets)
  const person = await world.user()
  for (const transports of [['websocket'], ['polling']]) {
    const large = await world.connect(person, 0, { transports })
    large.socket.emit('room:send', { roomId: room.id, clientId: 'x', content: 'x'.repeat(300_000) }, () => {})
    await world.until(() => large.closedBy())
  }
  // Just below it is read, and refused for what it is.
  expect(await ann.codeOf('room:send', { roomId: room.id, clientId: 'x', content: 'x'.repeat(250_000) })).toBe(
    'invalid',
  )
  const said = await say(ann, room)
  expect((await ben.next('room:message')).id).toBe(said.id)
})

test('[SOCK-17] junk in raw frames ends at most its own connection', async () => {
  const { sockets } = await cast(world, 'Ann', 'Ben')
  const [ann, ben] = sockets as [TestSocket, TestSocket]
  const room = await roomOf(sockets)
  const person = await world.user()
  const junk: (string | Buffer)[] = [
    '',
    '4',
    '42',
    '42[',
    '42[]',
    '42{}',
    '42null',
    '42"x"',
    '42[null]',
    '42[{}]',
    '42[[]]',
    '420[]',
    '43',
    '431[]',
    '43999[1]',
    '44"x"',
    '45',
    '451-',
    '451-["room:send",{"_placeholder":true,"num":0}]',
    '4599999-["x"]',
    '451-["x",{"_placeholder":true,"num":-1}]',
    '461-[1]',
    '40',
    '40{',
    '40/admin,',
    '40/admin,{}',
    '41',
    '41/x',
    '42/x,["y"]',
    '6',
    '7',
    '9',
    '0',
    '1',
    '2',
    '2probe',
    '3',
    '5',
    'b',
    'bAAAA',
    'x',
    '42["disconnect"]',
    '42["connect"]',
    '42["newListener"]',
    '42["error","x"]',
    '42["disconnecting"]',
    '421["room:send"]',
    '421["room:send",1e999]',
    '42-1["room:send",{}]',
    '4299999999999999999999["room:history",{}]',
    `42["room:history",${'['.repeat(50_000)}${']'.repeat(50_000)}]`,
    `42["${'x'.repeat(200_000)}"]`,
    Buffer.from([]),
    Buffer.from([4, 50, 255]),
    Buffer.alloc(1_000, 255),
    Buffer.from('42["room:history",{}]'),
  ]
  for (const frame of junk) {
    const raw = await rawSocket(person.accessToken, 0)
    raw.socket.send(frame)
    raw.socket.send('427["dm:conversations",{}]')
    // It goes on, or is closed; either is an answer.
    await world.until(
      () =>
        raw.closed() !== undefined ||
        raw.frames.some((each) => each.startsWith('437[{"ok":true')) ||
        // A parser that waits for attachments, or a socket that left the namespace, says nothing more.
        (typeof frame === 'string' && /^4(5\d|1|61-)/.test(frame)),
      5_000,
      `an answer after ${JSON.stringify(frame).slice(0, 80)}`,
    )
    raw.socket.terminate()
  }
  // An event named by a number is an unknown one.
  const raw = await rawSocket(person.accessToken, 1)
  raw.socket.send('428[7,{}]')
  const answer = await world.until(() => raw.frames.find((frame) => frame.startsWith('438')))
  expect(JSON.parse(answer.slice(3))[0]).toMatchObject({ ok: false, error: { code: 'invalid' } })
  raw.socket.terminate()
  const said = await say(ann, room)
  expect((await ben.next('room:message')).id).toBe(said.id)
})

test('[SOCK-18] a bot may and hears what its scopes name', async () => {
  const { people, sockets } = await cast(world, 'Ann', 'Ben')
  const [ann] = sockets as [TestSocket]
  const room = await roomOf(sockets, { visibility: 'public' })
  const [reader, writer, direct] = await Promise.all([
    world.bot(people[0]!, ['rooms:read']),
    world.bot(people[0]!, ['rooms:write']),
    world.bot(people[0]!, ['dms:read', 'dms:write']),
  ])
  await ann.emit('room:invite', { roomId: room.id, userIds: [reader.id, writer.id, direct.id] })
  const [reads, writes, talks] = await Promise.all([
    world.connect(reader, 0),
    world.connect(writer, 1),
    world.connect(direct, 1),
  ])
  expect([reads, writes, talks].map(({ ready }) => ready.rooms.length)).toEqual([1, 0, 0])
  const send = { roomId: room.id, clientId: fresh(), content: 'from a bot' }
  expect(await reads.codeOf('room:send', send)).toBe('forbidden')
  expect(await talks.codeOf('room:send', send)).toBe('forbidden')
  const said = await writes.emit('room:send', send)
  expect((await reads.next('room:message')).id).toBe(said.id)
  expect(await writes.codeOf('room:history', { roomId: room.id })).toBe('forbidden')
  expect(await reads.codeOf('room:history', { roomId: room.id })).toBe('ok')
  expect(await reads.codeOf('dm:send', { userId: ann.userId, clientId: 'x', content: 'x' })).toBe('forbidden')
  const told = await talks.emit('dm:send', { userId: ann.userId, clientId: fresh(), content: 'hello' })
  expect((await ann.next('dm:message')).id).toBe(told.id)
  await ann.emit('dm:send', { userId: direct.id, clientId: fresh(), content: 'hello, bot' })
  await talks.next('dm:message', ({ senderId }) => senderId === ann.userId)
  const both = {
    logs: [
      { roomId: room.id, rev: 0 },
      { userId: ann.userId, rev: 0 },
    ],
  }
  const codes = async (socket: TestSocket) =>
    (await socket.emit('log:sync', both)).logs.map((log: any) => log.error?.code)
  expect(await codes(reads)).toEqual([undefined, 'forbidden'])
  expect(await codes(talks)).toEqual(['forbidden', undefined])
  await settle()
  expect(writes.received.map(({ event }) => event)).toEqual(['ready'])
  expect(new Set(talks.received.map(({ event }) => event))).toEqual(new Set(['ready', 'dm:message']))
  // A bot that is removed is out at once.
  await world.ask('DELETE', `/api/v1/bots/${reader.botId}`, { as: people[0]! })
  await world.until(() => reads.closedBy())
})

test('[SOCK-19] too many events are rate_limited with a time to wait, each kind for itself', async () => {
  const instance = await world.addInstance({ rateLimits: true })
  const person = await world.user()
  const socket = await world.connect(person, instance)
  const room = await socket.emit('room:create', { name: 'Noise' })
  const answers = await Promise.allSettled(
    Array.from({ length: 320 }, () => socket.emit('room:send', { roomId: room.id, clientId: fresh(), content: 'x' })),
  )
  const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []))
  expect(refused.length).toBeGreaterThan(0)
  for (const error of refused) {
    expect(error.code).toBe('rate_limited')
    expect(error.retryAfterMs).toBeGreaterThan(0)
    expect(error.retryAfterMs).toBeLessThanOrEqual(10_000)
  }
  expect(await socket.codeOf('room:history', { roomId: room.id })).toBe('ok')
})

test('[SOCK-20] an instance that drains tells its sockets, and its acks are kept', async () => {
  const { people, sockets } = await cast(world, 'Ann', 'Ben')
  const [ann] = sockets as [TestSocket]
  const room = await roomOf(sockets)
  const instance = await world.addInstance()
  const leaving = await world.connect(people[1]!, instance)
  const sends = Array.from({ length: 50 }, () => say(leaving, room).catch(() => undefined))
  await Promise.race(sends)
  await instance.close()
  const acked = (await Promise.all(sends)).filter(Boolean)
  expect(leaving.of('server:draining')).toHaveLength(1)
  expect(leaving.closedBy()).toBeDefined()
  const { messages } = await ann.emit('room:history', { roomId: room.id, limit: 200 })
  const stored = new Set(messages.map(({ id }: any) => id))
  for (const { id } of acked) expect(stored.has(id)).toBe(true)
  await ann.reach({ roomId: room.id }, messages.at(-1)?.rev ?? 1)
  expectOrdered(ann, { roomId: room.id })
})

test('[SOCK-21] what an instance acked before SIGKILL is stored and reaches the others, in order, once', async () => {
  const { people, sockets } = await cast(world, 'Ann', 'Ben')
  const [ann] = sockets as [TestSocket]
  const room = await roomOf(sockets)
  const instance = await world.spawnInstance()
  const doomed = await world.connect(people[1]!, instance)
  const acked: any[] = []
  const sends = Array.from({ length: 150 }, (_, index) =>
    settle(index).then(() =>
      doomed.socket.emit('room:send', { roomId: room.id, clientId: `k${index}`, content: `${index}` }, (ack: any) => {
        if (ack.ok) acked.push(ack.data)
      }),
    ),
  )
  await world.until(() => acked.length > 40)
  instance.process!.kill('SIGKILL')
  await Promise.all(sends)
  await world.until(() => doomed.closedBy())
  const again = await world.connect(people[1]!, 1)
  // The client repeats all, in batches, as one that has no acks.
  const stored: any[] = []
  for (let start = 0; start < 150; start += 15) {
    const batch = Array.from({ length: 15 }, (_, index) => start + index)
    stored.push(
      ...(await Promise.all(
        batch.map((n) => again.emit('room:send', { roomId: room.id, clientId: `k${n}`, content: `${n}` })),
      )),
    )
  }
  const byClientId = new Map(stored.map((message) => [message.clientId, message]))
  for (const message of acked)
    expect(byClientId.get(message.clientId)).toMatchObject({ id: message.id, seq: message.seq })
  expect(new Set(stored.map(({ seq }) => seq)).size).toBe(150)
  await ann.reach({ roomId: room.id }, 151)
  expect(ann.of('room:message')).toHaveLength(150)
  expectOrdered(ann, { roomId: room.id })
})

test('[SOCK-22] SIGTERM drains a process: sockets are told, and it exits with 0 within 15 s', async () => {
  const instance = await world.spawnInstance()
  const person = await world.user()
  const socket = await world.connect(person, instance)
  const began = performance.now()
  const ended = once(instance.process!, 'exit')
  instance.process!.kill('SIGTERM')
  expect((await ended)[0]).toBe(0)
  expect(performance.now() - began).toBeLessThan(15_000)
  expect(socket.of('server:draining')).toHaveLength(1)
  await expect(world.connect(person, instance)).rejects.toThrow()
})
