import { expect, test } from 'vitest'
import { createRandom } from '../../scripts/shared/random.ts'
import type { TestSocket } from '../support/socket.ts'
import { cast, eachWorld, expectOrdered, fresh, roomOf, say, settle, tell } from '../support/worlds.ts'

const nowhere = '01HYN8FXZ2W6X8K6YTNPEKXYM7'

/** All changes of a log after `rev`, page by page. */
async function syncAll(socket: TestSocket, log: object, rev: number, limit?: number) {
  const changes: any[] = []
  for (let page = 0; page < 1_000; page++) {
    const [answer] = (await socket.emit('log:sync', { logs: [{ ...log, rev }], ...(limit && { limit }) })).logs
    if (limit) expect(answer.changes.length).toBeLessThanOrEqual(limit)
    changes.push(...answer.changes)
    rev = answer.rev
    if (!answer.more) return { changes, rev }
  }
  throw new Error('log:sync never ends')
}

eachWorld((world) => {
  test('[SOCK-01] every kind of change takes the next rev and names the one before', async () => {
    const { sockets } = await cast(world(), 'Ann', 'Ben', 'Cleo')
    const [ann, ben, cleo] = sockets as [TestSocket, TestSocket, TestSocket]
    const room = await roomOf([ann, ben])
    const message = await say(ann, room)
    await ann.emit('room:edit', { messageId: message.id, content: 'edited' })
    await ben.emit('room:react', { messageId: message.id, emoji: '👍', on: true })
    await ben.emit('room:pin', { messageId: message.id, on: true })
    await ann.emit('room:invite', { roomId: room.id, userIds: [cleo.userId] })
    await ann.emit('room:role', { roomId: room.id, userId: cleo.userId, role: 'moderator' })
    await cleo.emit('room:update', { roomId: room.id, name: 'Renamed' })
    await cleo.emit('room:leave', { roomId: room.id })
    await ann.emit('room:delete', { messageId: message.id })
    await ben.reach({ roomId: room.id }, 10)
    expect(ben.changes({ roomId: room.id }).map(({ event, payload }) => [event, payload.rev, payload.prevRev])).toEqual(
      [
        ['room:message', 2, 1],
        ['room:message:edited', 3, 2],
        ['room:message:reacted', 4, 3],
        ['room:message:pinned', 5, 4],
        ['room:member', 6, 5],
        ['room:member', 7, 6],
        ['room:updated', 8, 7],
        ['room:member', 9, 8],
        ['room:message:deleted', 10, 9],
      ],
    )
  })

  test('[SOCK-02] log:sync brings up to date from any rev, in pages, with the same objects as live', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    const room = await roomOf(sockets)
    for (let index = 0; index < 9; index++) await say(index % 2 ? ann : ben, room)
    await tell(ann, people[1]!)
    await ben.reach({ roomId: room.id }, 10)
    await ben.reach({ userId: ann.userId }, 1)
    const live = ben.changes({ roomId: room.id }).map(({ event, payload }) => ({ event, payload }))
    const { changes, rev } = await syncAll(ben, { roomId: room.id }, 1)
    expect(rev).toBe(10)
    expect(changes).toEqual(live)
    for (const limit of [1, 4, 9]) {
      const paged = await syncAll(ben, { roomId: room.id }, 1, limit)
      expect(paged).toEqual({ changes, rev: 10 })
    }
    expect((await syncAll(ben, { roomId: room.id }, 7)).changes).toEqual(live.slice(6))
    const direct = ben.changes({ userId: ann.userId }).map(({ event, payload }) => ({ event, payload }))
    expect((await syncAll(ben, { userId: ann.userId }, 0)).changes).toEqual(direct)
    // Several logs at once, up to date and not; from the very beginning members are there as well.
    const { logs } = await ben.emit('log:sync', {
      logs: [
        { roomId: room.id, rev: 10 },
        { userId: ann.userId, rev: 0 },
        { roomId: room.id, rev: 0 },
      ],
    })
    expect(logs[0]).toEqual({ roomId: room.id, changes: [], rev: 10, more: false })
    expect(logs[1]).toMatchObject({ userId: ann.userId, rev: 1, more: false })
    expect(logs[2].changes[0]).toMatchObject({ event: 'room:member', payload: { rev: 1, userId: ann.userId } })
  })

  test('[SOCK-03] a message edited twice comes once in a sync, in its latest state; a new one as new', async () => {
    const { sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    const room = await roomOf(sockets)
    const message = await say(ann, room, 'one')
    await say(ann, room, 'between')
    await ann.emit('room:edit', { messageId: message.id, content: 'two' })
    const latest = await ann.emit('room:edit', { messageId: message.id, content: 'three' })
    const known = await syncAll(ben, { roomId: room.id }, 3)
    expect(known.changes.map(({ event, payload }) => [event, payload.content, payload.rev, payload.prevRev])).toEqual([
      ['room:message:edited', 'three', latest.rev, 3],
    ])
    const unknown = await syncAll(ben, { roomId: room.id }, 1)
    expect(unknown.changes.map(({ event, payload }) => [event, payload.content, payload.rev, payload.prevRev])).toEqual(
      [
        ['room:message', 'between', 3, 1],
        ['room:message', 'three', latest.rev, 3],
      ],
    )
  })

  test('[SOCK-04] logs that one may not see answer not_found in their place; the others answer', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    const open = await roomOf([ann], { visibility: 'public' })
    const closed = await roomOf([ann])
    const shared = await roomOf(sockets)
    const asked = [open, closed, { id: nowhere }, shared].map(({ id }) => ({ roomId: id, rev: 0 }))
    const { logs } = await ben.emit('log:sync', { logs: [...asked, { userId: people[1]!.id, rev: 0 }] })
    expect(logs.map(({ error }: any) => error?.code)).toEqual([
      'not_found',
      'not_found',
      'not_found',
      undefined,
      'not_found',
    ])
    expect(logs[3]).toMatchObject({ roomId: shared.id, rev: 1, more: false })
    for (const bad of [{}, { roomId: open.id, userId: ann.userId, rev: 0 }, { roomId: open.id, rev: -1 }, { rev: 0 }]) {
      expect(await ben.codeOf('log:sync', { logs: [bad] })).toBe('invalid')
    }
    expect((await ben.emit('log:sync', { logs: [] })).logs).toEqual([])
  })

  test('[SOCK-05] a socket that comes back and syncs from its last rev has all that the others have', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    const room = await roomOf(sockets)
    let sending = true
    const sender = (async () => {
      while (sending) await say(ann, room)
    })()
    const seen = new Map<string, number>()
    let rev = 1
    for (let round = 0; round < 6; round++) {
      const socket = await world().connect(people[1]!, round)
      const start = socket.ready.rooms[0].rev
      const missed = await syncAll(socket, { roomId: room.id }, rev)
      await settle(60)
      socket.close()
      // The gap up to ready, and what came live after it.
      const live = socket.changes({ roomId: room.id }).filter(({ payload }) => payload.rev > missed.rev)
      expect(missed.rev).toBeGreaterThanOrEqual(start)
      for (const { payload } of [...missed.changes, ...live]) {
        expect(payload.prevRev).toBe(rev)
        rev = payload.rev
        seen.set(payload.id, (seen.get(payload.id) ?? 0) + 1)
      }
    }
    sending = false
    await sender
    const { messages } = await ann.emit('room:history', { roomId: room.id, limit: 200 })
    expect(seen.size).toBeGreaterThan(5)
    expect(Math.max(...seen.values())).toBe(1)
    const upTo = messages.filter((message: any) => message.rev <= rev)
    if (messages[0].seq === 1) expect(upTo.map(({ id }: any) => id)).toEqual([...seen.keys()])
    expect(ben.of('room:message').length).toBeGreaterThanOrEqual(upTo.length)
    expectOrdered(ben, { roomId: room.id })
  })

  test('[SOCK-06] acks come for all, also where an instance is asked for much at once', async () => {
    const { sockets } = await cast(world(), 'Ann')
    const [ann] = sockets as [TestSocket]
    const room = await roomOf(sockets)
    const codes = await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        ann.codeOf(
          ...((index % 3
            ? ['room:send', { roomId: room.id, clientId: fresh(), content: 'x' }]
            : ['room:history', { roomId: room.id }]) as [string, object]),
        ),
      ),
    )
    expect(new Set(codes)).toEqual(new Set(['ok']))
    await ann.reach({ roomId: room.id }, 201)
    expectOrdered(ann, { roomId: room.id })
  })

  test('[SOCK-07] of rooms that one comes into while connecting, one hears: in ready or by room:joined', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `Host ${index}`)
    const { sockets } = await cast(world(), ...names)
    for (let round = 0; round < 2; round++) {
      const guest = await world().user('Guest')
      const connecting = world().connect(guest, round)
      const rooms = await Promise.all(
        sockets.map(async (socket, index) => {
          await settle(index * 3)
          const room = await socket.emit('room:create', { name: 'Surprise', memberIds: [guest.id] })
          // Out again, some of them.
          if (index % 4 === 3) await socket.emit('room:remove', { roomId: room.id, userId: guest.id })
          return room
        }),
      )
      const joined = await connecting
      const inside = rooms.filter((_, index) => index % 4 !== 3)
      const told = () => new Set([...joined.ready.rooms, ...joined.of('room:joined')].map(({ id }) => id))
      await world().until(() => inside.every(({ id }) => told().has(id)))
      const said = await Promise.all(rooms.map((room, index) => say(sockets[index]!, room)))
      for (const [index, message] of said.entries()) {
        if (index % 4 !== 3) await joined.next('room:message', ({ id }) => id === message.id)
      }
      await settle()
      expect(joined.of('room:message')).toHaveLength(inside.length)
      joined.close()
    }
  })

  test('[SOCK-08] whoever does what at once, each socket has the log whole and in order while it is in', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben', 'Cleo', 'Dan', 'Eve')
    const [owner] = sockets as [TestSocket]
    const room = await roomOf([owner], { visibility: 'public' })
    const random = createRandom(7).next
    const pick = <T>(list: T[]): T => list[Math.floor(random() * list.length)]!
    const said: any[] = [await say(owner, room)]
    const acts: ((socket: TestSocket) => Promise<unknown>)[] = [
      async (socket) => said.push(await say(socket, room)),
      async (socket) => said.push(await say(socket, room)),
      (socket) => socket.emit('room:join', { roomId: room.id }),
      (socket) => socket.emit('room:join', { roomId: room.id }),
      (socket) => socket.emit('room:leave', { roomId: room.id }),
      () => owner.emit('room:remove', { roomId: room.id, userId: pick(people.slice(1)).id }),
      () => owner.emit('room:invite', { roomId: room.id, userIds: [pick(people.slice(1)).id] }),
      (socket) => socket.emit('room:react', { messageId: pick(said).id, emoji: '👍', on: random() < 0.5 }),
      (socket) => socket.emit('room:edit', { messageId: pick(said).id, content: fresh() }),
      (socket) => socket.emit('room:pin', { messageId: pick(said).id, on: random() < 0.5 }),
      () => owner.emit('room:update', { roomId: room.id, topic: fresh() }),
    ]
    const lane = async () => {
      for (let index = 0; index < 40; index++) {
        try {
          await pick(acts)(pick(sockets.slice(1)))
        } catch (error) {
          expect(['forbidden', 'not_found', 'gone', 'invalid']).toContain((error as { code?: string }).code)
        }
      }
    }
    await Promise.all([lane(), lane(), lane(), lane(), lane(), lane()])
    const last = await say(owner, room)
    await owner.reach({ roomId: room.id }, last.rev)
    await settle()
    const now = (await world().ask('GET', `/api/v1/chat-rooms/${room.id}`, { as: people[0]!, instance: 1 })).body
    expectOrdered(owner, { roomId: room.id }, false)
    const stored = await syncAll(owner, { roomId: room.id }, 0)
    for (const socket of sockets) {
      let at: number | null = null
      for (const { event, payload } of socket.received) {
        if (event === 'room:joined') at = payload.rev
        else if (event === 'room:left') {
          expect(payload.rev).toBe(at)
          at = null
        } else if (payload.prevRev !== undefined) {
          expect(`${event} ${payload.prevRev}`).toBe(`${event} ${at}`)
          expect(payload.rev).toBeGreaterThan(payload.prevRev)
          at = payload.rev
        }
      }
      // Whoever is in has all; whoever is not has nothing of it.
      expect(at).toBe(now.memberIds.includes(socket.userId) ? last.rev : null)
    }
    expect(stored.rev).toBe(last.rev)
    const memberships = await world()
      .database.collection('memberships')
      .find({ logId: room.id, active: true })
      .toArray()
    expect(new Set(memberships.map(({ userId }) => userId))).toEqual(new Set(now.memberIds))
  })
})
