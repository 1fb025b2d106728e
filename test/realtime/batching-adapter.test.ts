import { once } from 'node:events'
import { createRequire } from 'node:module'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { encodeEvent } from '../../src/realtime/batching-adapter.ts'
import { verifyEngineInternals } from '../../src/realtime/engine-internals.ts'
import { frameText } from '../../src/realtime/frame.ts'
import { releaseHandshake } from '../../src/realtime/handshake-release.ts'
import { type FanoutWorld, openFanoutWorld, waitFor } from './fanout-world.ts'

let world: FanoutWorld
afterEach(() => world?.close())

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

/** A listener's view: the first arguments of what it received, in order. */
const firsts = (log: unknown[][]): unknown[] => log.map((entry) => entry[1])

describe('Fan-out', () => {
  for (const transport of ['websocket', 'polling'] as const) {
    it(`[FAN-01] delivers every event once and in order over ${transport}`, async () => {
      world = await openFanoutWorld()
      const members = await Promise.all([world.join('r', transport), world.join('r', transport)])
      for (let i = 0; i < 300; i++) {
        world.io.to('r').emit('n', i)
        if (i % 7 === 0) await nextTurn()
      }
      for (const { log } of members) {
        await waitFor(() => expect(log.length).toBe(300))
        expect(firsts(log)).toEqual(numbers(0, 300))
      }
    })
  }

  it('[FAN-02] writes each socket once a turn, also when it is in several rooms and has acks', async () => {
    world = await openFanoutWorld()
    const member = await world.join('a')
    const other = await world.join('a')
    member.server.join('b')
    const write = vi.spyOn((member.server.conn as any).transport.socket._socket, 'write')
    for (let i = 0; i < 10; i++) world.io.to(i % 2 ? 'a' : 'b').emit('n', i)
    member.server.emit('n', 10)
    world.adapter.emitEncoded('a', encodeEvent('n', 11))
    await waitFor(() => expect(firsts(member.log)).toEqual(numbers(0, 12)))
    await waitFor(() => expect(firsts(other.log)).toEqual([1, 3, 5, 7, 9, 11]))
    expect(write).toHaveBeenCalledTimes(1)
  })

  it('[FAN-03] keeps the order of emission over several rooms in one turn, for members of some and of all', async () => {
    world = await openFanoutWorld()
    const inA = await world.join('a')
    const inB = await world.join('b')
    const inAll = await world.join('a')
    const inAllToo = await world.join('a')
    for (const { server } of [inAll, inAllToo]) server.join(['b', 'c'])
    for (let i = 0; i < 30; i++) world.io.to(['a', 'b', 'c'][i % 3]!).emit('n', i)
    world.io.emit('n', 30)
    for (const { log } of [inAll, inAllToo]) await waitFor(() => expect(firsts(log)).toEqual(numbers(0, 31)))
    await waitFor(() => expect(firsts(inA.log)).toEqual([...numbers(0, 30).filter((i) => i % 3 === 0), 30]))
    await waitFor(() => expect(firsts(inB.log)).toEqual([...numbers(0, 30).filter((i) => i % 3 === 1), 30]))
  })

  it('[FAN-04] gives a new member nothing that was emitted before it joined in the same turn', async () => {
    world = await openFanoutWorld()
    const old = await world.join('r')
    const fresh = await world.join('other')
    world.io.to('other').emit('n', 0)
    world.io.to('r').emit('n', 1)
    fresh.server.join('r')
    world.io.to('r').emit('n', 2)
    fresh.server.emit('n', 3)
    world.io.to('other').emit('n', 4)
    await waitFor(() => expect(firsts(fresh.log)).toEqual([0, 2, 3, 4]))
    await waitFor(() => expect(firsts(old.log)).toEqual([1, 2]))
  })

  it('[FAN-05] gives a leaving member all that was emitted before it left in the same turn, and no more', async () => {
    world = await openFanoutWorld()
    const stays = await world.join('r')
    const leaves = await world.join('r')
    world.io.to('r').emit('n', 1)
    leaves.server.leave('r')
    world.io.to('r').emit('n', 2)
    leaves.server.join('r')
    world.io.to('r').emit('n', 3)
    await waitFor(() => expect(firsts(leaves.log)).toEqual([1, 3]))
    await waitFor(() => expect(firsts(stays.log)).toEqual([1, 2, 3]))
  })

  for (const whole of [true, false]) {
    it(`[FAN-06] delivers what was emitted before a ${whole ? 'connection' : 'namespace'} disconnect in the same turn`, async () => {
      world = await openFanoutWorld()
      const member = await world.join('r')
      const gone = new Promise((resolve) => member.client.once('disconnect', resolve))
      world.io.to('r').emit('n', 1)
      member.server.emit('n', 2)
      member.server.disconnect(whole)
      world.io.to('r').emit('n', 3)
      await gone
      expect(firsts(member.log)).toEqual([1, 2])
    })
  }

  it('[FAN-07] honours except, socket.to and several rooms: each socket once', async () => {
    world = await openFanoutWorld()
    const a = await world.join('a')
    const b = await world.join('b')
    const both = await world.join('a')
    both.server.join('b')
    world.io.to('a').to('b').emit('n', 1)
    world.io.to('a').except('b').emit('n', 2)
    a.server.to('a').emit('n', 3)
    both.server.broadcast.emit('n', 4)
    world.io.except(a.server.id).except(b.server.id).emit('n', 5)
    world.io.to('a').to('b').except(b.server.id).emit('n', 6)
    await waitFor(() => expect(firsts(a.log)).toEqual([1, 2, 4, 6]))
    await waitFor(() => expect(firsts(b.log)).toEqual([1, 4]))
    await waitFor(() => expect(firsts(both.log)).toEqual([1, 3, 5, 6]))
  })

  it('[FAN-08] drops a volatile event only for a socket that has bytes waiting', async () => {
    world = await openFanoutWorld({ maxBufferedBytes: 256 * 1024 * 1024 })
    const quick = await world.join('r')
    const stuck = await world.joinRaw('r')
    stuck.tcp.pause()
    const tcp = (stuck.server.conn as any).transport.socket._socket
    while (tcp.writableLength === 0) {
      world.io.to(stuck.server.id).emit('fill', 'x'.repeat(200_000))
      await nextTurn()
    }
    world.io.volatile.to('r').emit('n', 1)
    world.io.to('r').emit('n', 2)
    await waitFor(() => expect(firsts(quick.log)).toEqual([1, 2]))
    stuck.tcp.resume()
    await waitFor(() => expect(stuck.packets.at(-1)).toBe('2["n",2]'))
    expect(stuck.packets).not.toContain('2["n",1]')
  })

  for (const transport of ['websocket', 'polling'] as const) {
    it(`[FAN-09] keeps acks and direct emits in their place among broadcasts over ${transport}`, async () => {
      world = await openFanoutWorld()
      const member = await world.join('r', transport)
      let n = 0
      member.server.on('ask', (ack: (n: number) => void) => {
        world.io.to('r').emit('n', n++)
        ack(n++)
        world.adapter.emitEncoded('r', encodeEvent('n', n++))
        member.server.emit('n', n++)
      })
      for (let i = 0; i < 50; i++) member.client.emit('ask', (answer: number) => member.log.push(['ack', answer]))
      await waitFor(() => expect(member.log.length).toBe(200))
      expect(firsts(member.log)).toEqual(numbers(0, 200))
      expect(member.log.filter(([event]) => event === 'ack').length).toBe(50)
    })

    it(`[FAN-10] keeps binary events in their place over ${transport}`, async () => {
      world = await openFanoutWorld()
      const member = await world.join('r', transport)
      const bytes = Buffer.alloc(70_000, 7)
      for (let i = 0; i < 30; i++) {
        if (i % 5 === 0) world.io.to('r').emit('n', i, bytes)
        else if (i % 5 === 1) member.server.emit('n', i, { bytes })
        else world.io.to('r').emit('n', i)
      }
      await waitFor(() => expect(firsts(member.log)).toEqual(numbers(0, 30)))
      expect(bytes.equals(member.log[5]![2] as Buffer)).toBe(true)
      expect(bytes.equals((member.log[6]![2] as { bytes: Buffer }).bytes)).toBe(true)
    })
  }

  it('[FAN-11] loses and reorders nothing while a client upgrades from polling', async () => {
    world = await openFanoutWorld()
    for (let round = 0; round < 5; round++) {
      const member = await world.join('r', 'upgrade')
      const room = `r${round}`
      member.server.join(room)
      let n = 0
      while (member.client.io.engine.transport.name !== 'websocket' && n < 5000) {
        for (let k = 0; k < 3; k++) world.io.to(room).emit('n', n++)
        member.server.emit('n', n++)
        await sleep(1)
      }
      for (let k = 0; k < 100; k++) world.io.to(room).emit('n', n++)
      await waitFor(() => expect(member.log.length).toBe(n))
      expect(member.client.io.engine.transport.name).toBe('websocket')
      expect(firsts(member.log)).toEqual(numbers(0, n))
    }
  })

  it('[FAN-12] cuts a reader that stops at the cap, with memory bounded and no harm to others', async () => {
    const slow: [string, number][] = []
    const cap = 512 * 1024
    world = await openFanoutWorld({ maxBufferedBytes: cap, onSlow: (id, bytes) => slow.push([id, bytes]) })
    const quick = await world.join('r')
    const stuck = await world.joinRaw('r')
    const id = stuck.server.id
    const tcp = (stuck.server.conn as any).transport.socket._socket
    const gone = once(stuck.server, 'disconnect')
    stuck.tcp.pause()
    const text = 'x'.repeat(20_000)
    let sent = 0
    let most = 0
    while (slow.length === 0 && sent < 5000) {
      world.io.to('r').emit('n', sent++, text)
      await nextTurn()
      most = Math.max(most, tcp.writableLength)
    }
    await gone
    expect(slow).toEqual([[id, expect.any(Number)]])
    expect(slow[0]![1]).toBeGreaterThan(cap)
    expect(most).toBeGreaterThan(cap / 2)
    expect(most).toBeLessThanOrEqual(cap)
    expect(world.adapter.sids.has(id)).toBe(false)
    world.io.to('r').emit('n', sent++)
    await waitFor(() => expect(quick.log.length).toBe(sent))
    expect(firsts(quick.log)).toEqual(numbers(0, sent))
    expect(slow.length).toBe(1)
  })

  it('[FAN-13] cuts a polling client that stops polling at the cap', async () => {
    const slow: string[] = []
    world = await openFanoutWorld({ maxBufferedBytes: 100_000, onSlow: (id) => slow.push(id) })
    const connected = once(world.io, 'connection')
    const url = `http://127.0.0.1:${world.port}/socket.io/?EIO=4&transport=polling`
    const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1))
    await fetch(`${url}&sid=${sid}`, { method: 'POST', body: '40' })
    const [server] = await connected
    const gone = once(server, 'disconnect')
    server.join('r')
    for (let i = 0; i < 200; i++) world.io.to('r').emit('n', i, 'x'.repeat(1000))
    await gone
    expect(slow).toEqual([server.id])
  })

  it('[FAN-14] delivers everything to a reader that pauses below the cap', async () => {
    world = await openFanoutWorld({ maxBufferedBytes: 64 * 1024 * 1024 })
    const paused = await world.joinRaw('r')
    paused.tcp.pause()
    const text = 'x'.repeat(50_000)
    const tcp = (paused.server.conn as any).transport.socket._socket
    let sent = 0
    for (let after = 0; after < 50; after += tcp.writableLength > 0 ? 1 : 0) {
      world.io.to('r').emit('n', sent++, text)
      if (sent % 3 === 0) paused.server.emit('n', sent++, 'direct')
      if (sent % 10 === 0) paused.server.emit('n', sent++, Buffer.from('bin'))
      await nextTurn()
    }
    paused.tcp.resume()
    await waitFor(() => expect(paused.numbers()).toEqual(numbers(0, sent)))
  })

  it('[FAN-15] sends emitEncoded byte for byte as a normal emit, in other namespaces too', async () => {
    world = await openFanoutWorld()
    const raw = await world.joinRaw('r')
    const payload = { text: 'Größe 🎷', n: [1, null, true] }
    world.io.to('r').emit('e', payload)
    expect(world.adapter.emitEncoded('r', encodeEvent('e', payload))).toBe(1)
    expect(world.adapter.emitEncoded('nobody', encodeEvent('e', payload))).toBe(0)
    await waitFor(() => expect(raw.packets.length).toBe(2))
    expect(raw.packets[0]).toBe(raw.packets[1])

    const other = world.io.of('/other')
    other.on('connection', (socket) => {
      socket.join('r')
      ;(other.adapter as unknown as typeof world.adapter).emitEncoded('r', encodeEvent('e', payload))
      other.to('r').emit('e', payload)
    })
    const { log } = await world.connect('websocket', '/other')
    await waitFor(() =>
      expect(log).toEqual([
        ['e', payload],
        ['e', payload],
      ]),
    )
  })

  it('[FAN-16] proves the internals that it leans on at the start, and says what moved', () => {
    verifyEngineInternals()
    const fromSocketIo = createRequire(createRequire(import.meta.url).resolve('socket.io'))
    const { Sender } = createRequire(fromSocketIo.resolve('engine.io'))('ws')
    const framing = vi.spyOn(Sender, 'frame').mockReturnValue([Buffer.from('moved')])
    expect(() => verifyEngineInternals()).toThrow(/does not fit the installed engine.io and ws: another frame/)
    framing.mockRestore()
    const engine = fromSocketIo('engine.io')
    const flush = vi.spyOn(engine.Socket.prototype, 'flush').mockImplementation(() => {})
    expect(() => verifyEngineInternals()).toThrow(/does not fit/)
    flush.mockRestore()
    verifyEngineInternals()
  })

  it('[FAN-17] ends a connection that fails in writing, tells of it, and goes on with the others', async () => {
    const errors: [string, unknown][] = []
    world = await openFanoutWorld({ onError: (id, error) => errors.push([id, error]) })
    const members = await Promise.all([world.join('r'), world.join('r'), world.join('r')])
    const broken = members[1]!
    const failure = new Error('planted')
    vi.spyOn((broken.server.conn as any).transport.socket._socket, 'write').mockImplementation(() => {
      throw failure
    })
    const id = broken.server.id
    const gone = once(broken.server, 'disconnect')
    world.io.to('r').emit('n', 1)
    await gone
    expect(errors).toEqual([[id, failure]])
    for (const member of [members[0]!, members[2]!]) await waitFor(() => expect(firsts(member.log)).toEqual([1]))
  })

  it('[FAN-18] collects the acks of a broadcast, in order with plain ones', async () => {
    world = await openFanoutWorld()
    const members = await Promise.all([world.join('r'), world.join('r', 'polling')])
    for (const { client, server } of members) client.on('q', (_n: number, ack: (id: string) => void) => ack(server.id))
    world.io.to('r').emit('n', 1)
    const answers = world.io.timeout(30_000).to('r').emitWithAck('q', 2)
    world.io.to('r').emit('n', 3)
    expect((await answers).sort()).toEqual(members.map(({ server }) => server.id).sort())
    for (const { log } of members) await waitFor(() => expect(firsts(log)).toEqual([1, 2, 3]))
  })

  it('[FAN-19] does not hoard: a turn that emits megabytes is written as it goes, in order', async () => {
    world = await openFanoutWorld({ maxBufferedBytes: 64 * 1024 * 1024 })
    const member = await world.join('r')
    member.server.join('s')
    const write = vi.spyOn((member.server.conn as any).transport.socket._socket, 'write')
    for (let i = 0; i < 60; i++) world.io.to(i % 2 ? 'r' : 's').emit('n', i, 'x'.repeat(50_000))
    expect(write.mock.calls.length).toBeGreaterThan(5)
    await waitFor(() => expect(firsts(member.log)).toEqual(numbers(0, 60)))
  })

  it('[FAN-20] sends nothing to a socket that joined rooms but was then refused or is not connected yet', async () => {
    world = await openFanoutWorld()
    let admit: (() => void) | undefined
    world.io.use((socket, next) => {
      socket.join('r')
      admit = () => {
        world.io.to('r').emit('n', 1)
        next()
        world.io.to('r').emit('n', 2)
      }
    })
    const joining = world.connect('websocket')
    await waitFor(() => expect(admit).toBeDefined())
    admit!()
    const { log } = await joining
    world.io.to('r').emit('n', 3)
    await waitFor(() => expect(firsts(log)).toEqual([3]))
  })

  it('[FAN-21] frames what a stock WebSocket reads, at every length of header', async () => {
    world = await openFanoutWorld()
    const member = await world.join('r')
    const lengths = [0, 1, 110, 115, 120, 125, 130, 65_500, 65_520, 65_535, 65_540, 200_000]
    for (const length of lengths) world.io.to('r').emit('n', 'é'.repeat(length))
    await waitFor(() => expect(firsts(member.log).map((text) => (text as string).length)).toEqual(lengths))
    expect(frameText('').length).toBe(3)
  })

  it('[FAN-22] keeps nothing of a connection that is gone', async () => {
    world = await openFanoutWorld()
    for (let i = 0; i < 5; i++) {
      const member = await world.join('r')
      world.io.to('r').emit('n', i)
      const gone = once(member.server, 'disconnect')
      member.client.close()
      await gone
    }
    const { links, outbox } = world.adapter as any
    expect(links.size).toBe(0)
    await nextTurn()
    expect(outbox.odd.length + outbox.groups.size).toBe(0)
  })

  it('[FAN-24] goes on as before after a handshake is released, an upgrade included', async () => {
    world = await openFanoutWorld()
    world.io.on('connection', releaseHandshake)
    for (const transport of ['websocket', 'polling', 'upgrade'] as const) {
      const member = await world.join(transport, transport)
      expect(member.server.request).toBeNull()
      expect(member.server.handshake.headers).toEqual({})
      if (transport === 'upgrade') {
        await waitFor(() => expect(member.client.io.engine.transport.name).toBe('websocket'))
      }
      world.io.to(transport).emit('n', 1)
      member.server.emit('n', 2)
      await waitFor(() => expect(firsts(member.log)).toEqual([1, 2]))
    }
  })

  it('[FAN-25] writes a long turn for a lone listener every few frames, so that it need not wait for the end', async () => {
    world = await openFanoutWorld()
    const alone = await world.join('r')
    const write = vi.spyOn((alone.server.conn as any).transport.socket._socket, 'write')
    for (let i = 0; i < 64; i++) world.io.to('r').emit('n', i)
    expect(write).toHaveBeenCalledTimes(7)
    await waitFor(() => expect(firsts(alone.log)).toEqual(numbers(0, 64)))
    expect(write).toHaveBeenCalledTimes(8)
  })
})
