import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Change,
  type ConnectOptions,
  connect,
  memoryCursors,
  type PhantomClient,
  PhantomError,
} from '../../src/client/index.ts'
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts'

let server: ScriptedServer
const clients: PhantomClient[] = []

beforeEach(async () => {
  server = await startScriptedServer()
  server.addUser('ann')
  server.addUser('bob')
  server.addRoom('r', 'ann', 'bob')
})

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()))
  await server.close()
})

const fast = { backoff: { baseMs: 10, maxMs: 50 }, requestTimeoutMs: 300 }

function open(userId: string, options: ConnectOptions = {}): PhantomClient {
  const client = connect({ url: server.url, token: `token-${userId}`, ...fast, ...options })
  clients.push(client)
  return client
}

async function until(what: () => boolean, ms = 30_000): Promise<void> {
  const end = Date.now() + ms
  while (!what()) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Resolves in the turn in which the client is in a state: what follows happens while it is. */
function reach(client: PhantomClient, wanted: PhantomClient['state']): Promise<void> {
  if (client.state === wanted) return Promise.resolve()
  return new Promise((resolve) => {
    const stop = client.on('state', ({ state }) => {
      if (state !== wanted) return
      stop()
      resolve()
    })
  })
}

const isLive = (client: PhantomClient) => reach(client, 'live')

/** Collects the revs of a room as handlers get them. */
function record(client: PhantomClient): Change[] {
  const changes: Change[] = []
  client.on('change', (change) => changes.push(change))
  return changes
}

const revs = (changes: Change[]) => changes.map((change) => change.rev)

async function take<T>(iterator: AsyncIterableIterator<T, undefined>, count: number): Promise<T[]> {
  const taken: T[] = []
  for (let i = 0; i < count; i += 1) {
    const { done, value } = await iterator.next()
    if (done) break
    taken.push(value)
  }
  return taken
}

const contents = (messages: { content: string }[]) => messages.map((message) => message.content)

describe('following', () => {
  test('[CLIENT-06] starts at the rev of ready and gives live changes in order', async () => {
    server.post('r', 'bob', 'before')
    const client = open('ann')
    const changes = record(client)
    const typed: string[] = []
    client.on('room:message', (message) => typed.push(message.content))
    await isLive(client)
    expect(client.userId).toBe('ann')
    server.post('r', 'bob', 'one')
    server.change('r', 2, 'room:message:edited', { content: 'one!' })
    await until(() => changes.length === 2)
    expect(changes.map((c) => [c.event, c.rev, c.log])).toEqual([
      ['room:message', 2, 'room:r'],
      ['room:message:edited', 3, 'room:r'],
    ])
    expect(typed).toEqual(['one'])
    expect(server.syncs).toEqual([])
  })

  test('[CLIENT-07] fetches a lost live change before giving what follows, and drops what comes twice', async () => {
    const client = open('ann')
    const changes = record(client)
    await isLive(client)
    // The server believes that it gave the first: only a prevRev beyond the cursor tells.
    server.faults.loseLive = 2
    server.post('r', 'bob', 'lost 1')
    server.post('r', 'bob', 'lost 2')
    server.faults.doubleLive = 2
    server.post('r', 'bob', 'three')
    server.post('r', 'bob', 'four')
    await until(() => changes.length >= 4)
    await isLive(client)
    expect(revs(changes)).toEqual([1, 2, 3, 4])
    expect(server.syncs.length).toBe(1)
  })

  test('[CLIENT-08] after a break, syncs all that was missed over several pages, merged with what comes meanwhile', async () => {
    const client = open('ann', { backoff: { baseMs: 100, maxMs: 100 } })
    const changes = record(client)
    await isLive(client)
    server.pageLimit.value = 3
    server.faults.syncDelayMs = 10
    server.breakAll()
    await reach(client, 'offline')
    for (let i = 0; i < 10; i += 1) server.post('r', 'bob', `away ${i}`)
    await reach(client, 'syncing')
    for (let i = 0; i < 5; i += 1) server.post('r', 'bob', `meanwhile ${i}`)
    await until(() => changes.length >= 15)
    await isLive(client)
    expect(revs(changes)).toEqual(Array.from({ length: 15 }, (_, i) => i + 1))
  })

  test('[CLIENT-09] tries a failed sync again', async () => {
    const client = open('ann')
    const changes = record(client)
    await isLive(client)
    server.faults.failSync = 3
    server.faults.loseLive = 1
    server.post('r', 'bob', 'lost')
    server.post('r', 'bob', 'told')
    await until(() => changes.length === 2)
    expect(server.syncs.length).toBe(4)
  })

  test('[CLIENT-10] continues from stored cursors; a change that the consumer still held comes again', async () => {
    const cursors = memoryCursors()
    const first = open('ann', { cursors })
    const heard = first.messages()
    await isLive(first)
    for (const text of ['one', 'two', 'three']) server.post('r', 'bob', text)
    expect(contents(await take(heard, 2))).toEqual(['one', 'two'])
    await first.close()
    server.post('r', 'bob', 'four')
    const second = open('ann', { cursors })
    expect(contents(await take(second.messages(), 3))).toEqual(['two', 'three', 'four'])
    const stranger = open('bob', { cursors })
    const changes = record(stranger)
    await isLive(stranger)
    expect(changes).toEqual([])
  })

  test('[CLIENT-11] follows rooms joined later, and drops those left or not to be seen any more', async () => {
    server.addRoom('q', 'bob')
    server.post('q', 'bob', 'old')
    const client = open('ann')
    const changes = record(client)
    const dropped: unknown[] = []
    client.on('log:dropped', (log) => dropped.push(log))
    await isLive(client)
    server.join('q', 'ann')
    server.post('q', 'bob', 'new')
    await until(() => changes.length === 1)
    expect([changes[0]!.log, changes[0]!.rev]).toEqual(['room:q', 2])
    server.leave('q', 'ann')
    await until(() => dropped.length === 1)
    server.leave('r', 'ann', { silent: true })
    server.breakAll()
    await until(() => dropped.length === 2)
    expect(dropped).toEqual([
      { log: 'room:q', code: 'left' },
      { log: 'room:r', code: 'not_found' },
    ])
  })

  test('[CLIENT-12] a consumer slower than its buffer loses nothing and keeps the buffer bounded', async () => {
    const client = open('ann', { bufferLimit: 5 })
    const slow = client.changes()
    const quick = record(client)
    await isLive(client)
    for (let i = 0; i < 50; i += 1) server.post('r', 'bob', `${i}`)
    await until(() => quick.length === 50)
    expect(server.syncs.length).toBe(0)
    expect(revs(await take(slow, 20))).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
    for (let i = 50; i < 60; i += 1) server.post('r', 'bob', `${i}`)
    expect(revs(await take(slow, 40))).toEqual(Array.from({ length: 40 }, (_, i) => i + 21))
    // Live again: what comes now needs no sync.
    const next = slow.next()
    await new Promise((resolve) => setTimeout(resolve, 50))
    const syncs = server.syncs.length
    server.post('r', 'bob', 'last')
    expect((await next).value?.rev).toBe(61)
    expect(server.syncs.length).toBe(syncs)
  })

  test('[CLIENT-13] messages() gives new messages of others once: as edited meanwhile, and not the deleted', async () => {
    server.addRoom('q', 'ann', 'bob')
    server.post('r', 'bob', 'old')
    const client = open('ann', { backoff: { baseMs: 100, maxMs: 100 } })
    const all = client.messages()
    const own = client.messages({ own: true })
    const one = client.messages({ rooms: ['q'] })
    await isLive(client)
    server.breakAll()
    await reach(client, 'offline')
    server.post('r', 'bob', 'first')
    server.post('r', 'bob', 'second')
    server.change('r', 1, 'room:message:reacted', { reactions: [] })
    server.change('r', 2, 'room:message:edited', { content: 'first, edited' })
    server.post('r', 'bob', 'gone')
    server.change('r', 4, 'room:message:deleted', { content: '', deletedAt: new Date().toISOString() })
    await isLive(client)
    server.post('r', 'ann', 'mine')
    server.post('q', 'bob', 'elsewhere')
    server.change('r', 3, 'room:message:edited', { content: 'second, edited' })
    server.post('r', 'bob', 'last')
    expect(contents(await take(all, 4))).toEqual(['second', 'first, edited', 'elsewhere', 'last'])
    expect(contents(await take(own, 5))).toEqual(['second', 'first, edited', 'mine', 'elsewhere', 'last'])
    expect(contents(await take(one, 1))).toEqual(['elsewhere'])
  })
})

describe('sending', () => {
  test('[CLIENT-14] a send survives breaks before and after storing and a lost ack, is stored once, and keeps its place', async () => {
    const client = open('ann')
    server.faults.dropBeforeStoring = 1
    server.faults.dropAfterStoring = 1
    server.faults.loseAck = 1
    const sent = await Promise.all(['a', 'b', 'c', 'd'].map((text) => client.send('r', text)))
    expect(contents(sent)).toEqual(['a', 'b', 'c', 'd'])
    expect(sent.map((message) => message.seq)).toEqual([1, 2, 3, 4])
    expect(server.log('r').map((entry) => entry.payload.content)).toEqual(['a', 'b', 'c', 'd'])
    expect(server.sends.length).toBe(6)
    expect(new Set(server.sends.map((send) => send.clientId)).size).toBe(4)
  })

  test('[CLIENT-15] waits as long as a rate limit says, and tries again when the server is unavailable', async () => {
    const client = open('ann')
    await isLive(client)
    server.faults.sendErrors = [
      { code: 'rate_limited', message: 'slow down', retryAfterMs: 200 },
      { code: 'unavailable', message: 'no database' },
    ]
    const start = Date.now()
    await client.send('r', 'patience')
    expect(Date.now() - start).toBeGreaterThanOrEqual(199)
    expect(server.log('r').length).toBe(1)
  })

  test('[CLIENT-16] rejects with the final error, its code and details, and goes on with the next', async () => {
    const client = open('ann')
    server.faults.sendErrors = [
      { code: 'invalid', message: 'too long', details: [{ path: 'content', message: 'long' }] },
    ]
    const refused = client.send('r', 'x')
    const next = client.send('r', 'y')
    await expect(refused).rejects.toMatchObject({
      name: 'PhantomError',
      code: 'invalid',
      message: 'too long',
      details: [{ path: 'content', message: 'long' }],
    })
    expect((await next).content).toBe('y')
    await expect(client.send('nowhere', 'x')).rejects.toMatchObject({ code: 'not_found' })
  })

  test('[CLIENT-17] the queue is bounded; signal, deadline and close take a send out of it', async () => {
    const client = open('ann', { url: 'http://127.0.0.1:9', sendLimit: 3 })
    const abort = new AbortController()
    const aborted = client.send('r', '1', { signal: abort.signal })
    const late = client.send('r', '2', { deadlineMs: 30 })
    const closed = client.direct.send('bob', '3')
    closed.catch(() => {})
    await expect(client.send('r', '4')).rejects.toMatchObject({ code: 'queue_full' })
    abort.abort(new Error('changed my mind'))
    await expect(aborted).rejects.toThrow('changed my mind')
    await expect(late).rejects.toMatchObject({ code: 'timeout' })
    expect(client.unsent).toBe(1)
    await client.close()
    await expect(closed).rejects.toMatchObject({ code: 'closed' })
    await expect(client.send('r', '5')).rejects.toMatchObject({ code: 'closed' })
    expect(client.unsent).toBe(0)
  })

  test('[CLIENT-18] reply answers where the message was said, and twice stores it once', async () => {
    const client = open('ann')
    const heard = client.messages()
    await isLive(client)
    server.post('r', 'bob', 'hello?')
    const [message] = await take(heard, 1)
    await client.reply(message!, 'hello!')
    await client.reply(message!, 'hello!')
    expect(server.log('r').map((entry) => entry.payload.content)).toEqual(['hello?', 'hello!'])
  })
})

describe('requests', () => {
  test('[CLIENT-19] a request waits for the connection and rejects with the ack’s error, a timeout or the loss', async () => {
    const client = open('ann')
    const history = client.request('room:history', { roomId: 'r' })
    await expect(history).rejects.toMatchObject({ code: 'forbidden', details: { why: 'scripted' } })
    await expect(client.request('room:search', { query: 'x' }, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'timeout',
    })
    await expect(client.request('room:pin', { messageId: 'x', on: true })).rejects.toMatchObject({
      code: 'disconnected',
    })
    const signal = AbortSignal.timeout(30)
    await expect(client.request('room:search', { query: 'x' }, { signal })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
    await client.close()
    await expect(client.request('room:history', { roomId: 'r' })).rejects.toMatchObject({ code: 'closed' })
    const nowhere = open('ann', { url: 'http://127.0.0.1:9' })
    await expect(nowhere.request('room:history', { roomId: 'r' }, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'timeout',
    })
  })
})

describe('connection', () => {
  test('[CLIENT-20] tells its state, and comes back again and again', async () => {
    const client = open('ann')
    const states: string[] = []
    client.on('state', ({ state }) => states.push(state))
    for (let i = 0; i < 4; i += 1) {
      await isLive(client)
      server.breakAll()
      await reach(client, 'offline')
    }
    await isLive(client)
    await client.close()
    expect(client.state).toBe('closed')
    const round = ['offline', 'connecting', 'live']
    expect(states.filter((state) => state !== 'syncing')).toEqual([
      'live',
      ...round,
      ...round,
      ...round,
      ...round,
      'closed',
    ])
    expect(client.error).toBe(null)
  })

  test('[CLIENT-21] gives up an attempt that the server leaves without ready, and tries the next', async () => {
    server.mute(true)
    const client = open('ann', { attemptTimeoutMs: 100 })
    await until(() => server.handshakes.length >= 3)
    server.mute(false)
    await isLive(client)
  })

  test('[CLIENT-22] asks once for a new token when one is refused; refused again, it closes with the reason', async () => {
    const asked: boolean[] = []
    const getToken = ({ renew }: { renew: boolean }) => {
      asked.push(renew)
      return renew ? 'token-ann' : 'stale'
    }
    const client = open('ann', { token: undefined, getToken })
    await isLive(client)
    expect(asked).toEqual([false, true])
    expect(server.handshakes).toEqual(['stale', 'token-ann'])

    const lost = open('ann', { token: undefined, getToken: () => 'stale' })
    const next = lost.messages().next()
    await expect(next).rejects.toMatchObject({ code: 'unauthenticated' })
    expect(lost.state).toBe('closed')
    expect(lost.error).toMatchObject({ code: 'unauthenticated' })
    expect(server.handshakes.slice(2)).toEqual(['stale', 'stale'])

    const bot = open('ann', { token: 'stale' })
    await reach(bot, 'closed')
    expect(server.handshakes.slice(4)).toEqual(['stale'])
  })

  test('[CLIENT-23] a source of tokens that fails is asked again; one that refuses ends the client', async () => {
    let calls = 0
    const flaky = open('ann', {
      token: undefined,
      getToken: () => {
        calls += 1
        if (calls < 3) throw new TypeError('fetch failed')
        return 'token-ann'
      },
    })
    await isLive(flaky)
    expect(calls).toBe(3)
    const refused = open('ann', {
      token: undefined,
      getToken: () => Promise.reject(new PhantomError('unauthenticated', 'reused')),
    })
    await reach(refused, 'closed')
    expect(refused.error?.message).toBe('reused')
  })

  test('[CLIENT-24] a revoked session closes for good, and does not knock again', async () => {
    const client = open('ann')
    await isLive(client)
    server.emit('session:revoked', {})
    await reach(client, 'closed')
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(server.handshakes.length).toBe(1)
    await expect(client.send('r', 'x')).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  test('[CLIENT-25] options that can’t work are refused at once', () => {
    expect(() => connect({ token: 'x' })).toThrow(/url/)
    expect(() => connect({ url: server.url })).toThrow(/one of/)
    expect(() => connect({ url: server.url, token: 'x', getToken: () => 'y' })).toThrow(/one of/)
  })
})
