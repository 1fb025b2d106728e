import { describe, expect, test } from 'vitest'
import type { TestSocket } from '../support/socket.ts'
import { cast, eachWorld, expectOrdered, fresh, roomOf, say, settle } from '../support/worlds.ts'

eachWorld((world) => {
  test('[CHAT-01] a room is made with its maker as owner; all its people are told, wherever they are', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben', 'Cleo')
    const [ann, ben, cleo] = sockets as [TestSocket, TestSocket, TestSocket]
    const room = await ann.emit('room:create', {
      name: 'Dub night',
      topic: 'Reverb',
      memberIds: [people[1]!.id, people[2]!.id, people[1]!.id, people[0]!.id],
    })
    expect(room).toMatchObject({
      name: 'Dub night',
      topic: 'Reverb',
      visibility: 'private',
      slowModeSeconds: 0,
      rev: 1,
    })
    expect(room.members).toEqual([
      { userId: ann.userId, role: 'owner' },
      { userId: ben.userId, role: 'member' },
      { userId: cleo.userId, role: 'member' },
    ])
    expect(room.memberIds).toEqual(sockets.map((socket) => socket.userId))
    for (const socket of sockets) {
      const joined = await socket.next('room:joined', (payload) => payload.id === room.id)
      expect(joined).toMatchObject({ id: room.id, memberCount: 3, rev: 1 })
    }
    expect(await ann.codeOf('room:create', { name: 'x', memberIds: ['01HYN8FXZ2W6X8K6YTNPEKXYM7'] })).toBe('not_found')
    expect(await ann.codeOf('room:create', { name: ' ' })).toBe('invalid')
  })

  test('[CHAT-02] ready tells rooms with rev, readSeq and unread', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    const room = await roomOf(sockets)
    for (let index = 0; index < 3; index++) await say(ann, room)
    await say(ben, room)
    await ben.emit('room:read', { roomId: room.id, seq: 1 })
    const again = await world().connect(people[1]!, 0)
    expect(again.ready.rooms).toEqual([{ id: room.id, name: room.name, rev: 5, seq: 4, readSeq: 1, unread: 2 }])
    expect(again.ready).toMatchObject({
      userId: ben.userId,
      sessionId: people[1]!.sessionId,
      conversations: [],
      unreadNotifications: 0,
    })
    expect(Math.abs(Date.parse(again.ready.serverTime) - Date.now())).toBeLessThan(60_000)
  })

  test('[CHAT-03] public rooms are joined by all, private ones are not there for strangers', async () => {
    const { sockets } = await cast(world(), 'Ann', 'Ben', 'Cleo')
    const [ann, ben, cleo] = sockets as [TestSocket, TestSocket, TestSocket]
    const open = await roomOf([ann], { visibility: 'public' })
    const closed = await roomOf([ann])
    const joined = await ben.emit('room:join', { roomId: open.id })
    expect(joined).toMatchObject({ id: open.id, memberCount: 2, rev: 2 })
    expect(await ann.next('room:member')).toEqual({
      roomId: open.id,
      rev: 2,
      prevRev: 1,
      userId: ben.userId,
      change: 'joined',
      role: 'member',
      by: ben.userId,
    })
    await ben.next('room:joined', ({ id }) => id === open.id)
    // Joining again changes nothing.
    expect((await ben.emit('room:join', { roomId: open.id })).rev).toBe(2)
    expect(await ben.codeOf('room:join', { roomId: closed.id })).toBe('not_found')
    expect(await cleo.codeOf('room:join', { roomId: '01HYN8FXZ2W6X8K6YTNPEKXYM7' })).toBe('not_found')
    // What follows is heard by those who joined, and by nobody else.
    const message = await say(ann, open)
    expect((await ben.next('room:message')).id).toBe(message.id)
    await settle()
    expect(cleo.received.map(({ event }) => event)).toEqual(['ready'])
  })

  describe('[CHAT-04] who may do what', () => {
    const acts: [name: string, act: (socket: TestSocket, at: any) => Promise<string>, may: Record<string, string>][] = [
      [
        'send',
        (socket, { room }) => socket.codeOf('room:send', { roomId: room.id, clientId: fresh(), content: 'x' }),
        { owner: 'ok', moderator: 'ok', member: 'ok', stranger: 'forbidden', outsider: 'not_found' },
      ],
      [
        'history',
        (socket, { room }) => socket.codeOf('room:history', { roomId: room.id }),
        { owner: 'ok', moderator: 'ok', member: 'ok', stranger: 'forbidden', outsider: 'not_found' },
      ],
      [
        'search',
        (socket, { room }) => socket.codeOf('room:search', { query: 'x', roomId: room.id }),
        { owner: 'ok', moderator: 'ok', member: 'ok', stranger: 'forbidden', outsider: 'not_found' },
      ],
      [
        'read',
        (socket, { room }) => socket.codeOf('room:read', { roomId: room.id, seq: 1 }),
        { owner: 'ok', moderator: 'ok', member: 'ok', stranger: 'forbidden', outsider: 'not_found' },
      ],
      [
        'typing',
        (socket, { room }) => socket.codeOf('room:typing', { roomId: room.id, on: false }),
        { owner: 'ok', moderator: 'ok', member: 'ok', stranger: 'forbidden', outsider: 'not_found' },
      ],
      [
        'update',
        (socket, { room }) => socket.codeOf('room:update', { roomId: room.id, topic: fresh() }),
        { owner: 'ok', moderator: 'ok', member: 'forbidden', stranger: 'forbidden', outsider: 'not_found' },
      ],
      [
        'invite',
        (socket, { room, guest }) => socket.codeOf('room:invite', { roomId: room.id, userIds: [guest] }),
        { owner: 'ok', moderator: 'ok', member: 'forbidden', stranger: 'forbidden', outsider: 'not_found' },
      ],
      [
        'role',
        (socket, { room, target }) => socket.codeOf('room:role', { roomId: room.id, userId: target, role: 'member' }),
        { owner: 'ok', moderator: 'forbidden', member: 'forbidden', stranger: 'forbidden', outsider: 'not_found' },
      ],
      [
        'remove a member',
        (socket, { room, victim }) => socket.codeOf('room:remove', { roomId: room.id, userId: victim() }),
        { owner: 'ok', moderator: 'ok', member: 'forbidden', stranger: 'forbidden', outsider: 'not_found' },
      ],
      [
        'remove a moderator',
        (socket, { room, second }) => socket.codeOf('room:remove', { roomId: room.id, userId: second }),
        { moderator: 'forbidden', member: 'forbidden', stranger: 'forbidden', outsider: 'not_found' },
      ],
      [
        'remove the owner',
        (socket, { room, owner }) => socket.codeOf('room:remove', { roomId: room.id, userId: owner }),
        { moderator: 'forbidden', member: 'forbidden', stranger: 'forbidden', outsider: 'not_found' },
      ],
      [
        'edit another’s',
        (socket, { message }) => socket.codeOf('room:edit', { messageId: message.id, content: 'y' }),
        { moderator: 'forbidden', member: 'forbidden', stranger: 'not_found', outsider: 'not_found' },
      ],
      [
        'react',
        (socket, { message }) => socket.codeOf('room:react', { messageId: message.id, emoji: '👍', on: true }),
        { owner: 'ok', moderator: 'ok', member: 'ok', stranger: 'not_found', outsider: 'not_found' },
      ],
      [
        'pin',
        (socket, { message }) => socket.codeOf('room:pin', { messageId: message.id, on: true }),
        { owner: 'ok', moderator: 'ok', member: 'ok', stranger: 'not_found', outsider: 'not_found' },
      ],
      [
        'delete another’s',
        async (socket, { room, owner, sockets }) => {
          const other = sockets.find((each: TestSocket) => each.userId !== socket.userId && each.userId !== owner)
          const { id } = await say(other, room)
          return socket.codeOf('room:delete', { messageId: id })
        },
        { owner: 'ok', moderator: 'ok', member: 'forbidden', stranger: 'not_found', outsider: 'not_found' },
      ],
    ]

    for (const visibility of ['public', 'private'] as const) {
      test(`in a ${visibility} room`, async () => {
        const { people, sockets } = await cast(world(), 'Owner', 'Mod', 'Member', 'Stranger', 'Second')
        const [owner, moderator, member, stranger, second] = sockets as TestSocket[]
        const guests = await world().users(...acts.map(() => 'Guest'), 'Guest')
        const room = await roomOf([owner!, moderator!, member!, second!], { visibility })
        for (const socket of [moderator!, second!])
          await owner!.emit('room:role', { roomId: room.id, userId: socket.userId, role: 'moderator' })
        const victims = await world().users('Victim', 'Victim', 'Victim', 'Victim')
        await owner!.emit('room:invite', { roomId: room.id, userIds: victims.map(({ id }) => id) })
        const message = await say(owner!, room)
        let next = 0
        const at = {
          room,
          message,
          owner: owner!.userId,
          target: member!.userId,
          second: second!.userId,
          sockets: [moderator, member],
          victim: () => victims[next++ % victims.length]!.id,
        }
        const roles = {
          stranger: [stranger!, visibility === 'public' ? 'stranger' : 'outsider'],
          member: [member!, 'member'],
          moderator: [moderator!, 'moderator'],
          owner: [owner!, 'owner'],
        } as const
        for (const [name, act, may] of acts) {
          for (const [socket, role] of Object.values(roles)) {
            if (!(role in may)) continue
            const code = await act(socket, { ...at, guest: guests[next++ % guests.length]!.id })
            expect(`${name} by ${role}: ${code}`).toBe(`${name} by ${role}: ${may[role]}`)
          }
        }
        expect(people).toHaveLength(5)
      })
    }
  })

  test('[CHAT-05] invited people are in, told, and hear what follows; a blocked one can’t invite', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben', 'Cleo', 'Dan')
    const [ann, ben, cleo, dan] = sockets as TestSocket[]
    const room = await roomOf([ann!, ben!])
    await say(ben!, room)
    const after = await ann!.emit('room:invite', { roomId: room.id, userIds: [cleo!.userId, dan!.userId, ben!.userId] })
    expect(after.memberIds).toEqual([ann, ben, cleo, dan].map((socket) => socket!.userId))
    for (const socket of [cleo!, dan!]) {
      const joined = await socket.next('room:joined', ({ id }) => id === room.id)
      expect(joined.memberIds).toContain(socket.userId)
    }
    const said = await say(dan!, room)
    for (const socket of sockets) {
      await socket.next('room:message', ({ id }) => id === said.id)
      expectOrdered(socket, { roomId: room.id })
    }
    const [eve] = await world().users('Eve')
    await world().ask('PUT', `/api/v1/blocks/${people[0]!.id}`, { as: eve! })
    expect(await ann!.codeOf('room:invite', { roomId: room.id, userIds: [eve!.id] })).toBe('forbidden')
    expect(await ann!.codeOf('room:create', { name: 'x', memberIds: [eve!.id] })).toBe('forbidden')
  })

  test('[CHAT-06] a removed member is told, and hears and may nothing after', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben', 'Cleo')
    const [ann, ben, cleo] = sockets as [TestSocket, TestSocket, TestSocket]
    // A second device of the removed, on the other instance.
    const benToo = await world().connect(people[1]!, 0)
    const room = await roomOf([...sockets])
    await say(ben, room, 'findable words')
    const after = await ann.emit('room:remove', { roomId: room.id, userId: ben.userId })
    expect(after.memberIds).not.toContain(ben.userId)
    for (const socket of [ben, benToo]) {
      expect(await socket.next('room:left')).toEqual({ roomId: room.id, rev: after.rev, change: 'removed' })
    }
    expect(await cleo.next('room:member', ({ change }) => change === 'removed')).toMatchObject({
      userId: ben.userId,
      by: ann.userId,
    })
    const last = await say(ann, room)
    await cleo.emit('room:typing', { roomId: room.id, on: true })
    await cleo.emit('room:read', { roomId: room.id, seq: 2 })
    await cleo.reach({ roomId: room.id }, last.rev)
    await settle()
    for (const socket of [ben, benToo]) {
      expect(socket.received.at(-1)!.event).toBe('room:left')
      expect(Math.max(...socket.changes({ roomId: room.id }).map(({ payload }) => payload.rev))).toBe(after.rev)
    }
    for (const [event, payload] of [
      ['room:send', { roomId: room.id, clientId: fresh(), content: 'x' }],
      ['room:history', { roomId: room.id }],
      ['room:edit', { messageId: last.id, content: 'x' }],
      ['room:react', { messageId: last.id, emoji: '👍', on: true }],
      ['room:leave', { roomId: room.id }],
    ] as const) {
      expect(await ben.codeOf(event, payload)).toBe('not_found')
    }
    expect((await ben.emit('log:sync', { logs: [{ roomId: room.id, rev: 0 }] })).logs).toEqual([
      { roomId: room.id, error: { code: 'not_found' } },
    ])
    expect((await ben.emit('room:search', { query: 'findable' })).messages).toEqual([])
    expect((await world().connect(people[1]!, 1)).ready.rooms).toEqual([])
  })

  test('[CHAT-07] nothing of a member is stored after the rev of its removal, sends racing with it', async () => {
    const { sockets } = await cast(world(), 'Ann', 'Ben', 'Cleo')
    const [ann, ben, cleo] = sockets as [TestSocket, TestSocket, TestSocket]
    for (let round = 0; round < 5; round++) {
      const room = await roomOf(sockets)
      const first = await say(ann, room)
      const racing = Array.from({ length: 20 }, (_, index) =>
        index % 4 === 3
          ? ben.codeOf('room:react', { messageId: first.id, emoji: `e${index}`, on: true })
          : ben.codeOf('room:send', { roomId: room.id, clientId: fresh(), content: `${index}` }),
      )
      const removed = await ann.emit('room:remove', { roomId: room.id, userId: ben.userId })
      const codes = await Promise.all(racing)
      for (const code of codes) expect(['ok', 'not_found']).toContain(code)
      const removal = (await cleo.next('room:member', (p) => p.roomId === room.id && p.change === 'removed')).rev
      expect(removed.rev).toBeGreaterThanOrEqual(removal)
      const { logs } = await ann.emit('log:sync', { logs: [{ roomId: room.id, rev: 0 }] })
      const stored = await world().database.collection('log').find({ logId: room.id }).toArray()
      expect(stored.filter((entry) => entry['senderId'] === ben.userId && entry['rev'] > removal)).toEqual([])
      expect(logs[0].changes.at(-1).payload.rev).toBeGreaterThanOrEqual(removal)
      // Who is acked was stored; who was refused was not.
      const sent = stored.filter((entry) => entry['senderId'] === ben.userId).length
      expect(codes.filter((code, index) => code === 'ok' && index % 4 !== 3)).toHaveLength(sent)
      await cleo.reach({ roomId: room.id }, Math.max(...stored.map((entry) => entry['rev'])))
      expectOrdered(cleo, { roomId: room.id }, false)
      await ben.next('room:left', ({ roomId }) => roomId === room.id)
      expect(ben.changes({ roomId: room.id }).every(({ payload }) => payload.rev <= removal)).toBe(true)
    }
  })

  test('[CHAT-08] an owner who leaves alone hands the room on; the last may go, and a public one can be had', async () => {
    const { sockets } = await cast(world(), 'Ann', 'Ben', 'Cleo')
    const [ann, ben, cleo] = sockets as [TestSocket, TestSocket, TestSocket]
    const room = await roomOf(sockets, { visibility: 'public' })
    await ann.emit('room:role', { roomId: room.id, userId: cleo.userId, role: 'moderator' })
    expect(await ann.codeOf('room:role', { roomId: room.id, userId: ann.userId, role: 'member' })).toBe('conflict')
    expect(await ann.codeOf('room:remove', { roomId: room.id, userId: ann.userId })).toBe('invalid')
    await ann.emit('room:leave', { roomId: room.id })
    await ann.next('room:left')
    const heir = await ben.next('room:member', ({ change, role }) => change === 'role' && role === 'owner')
    expect(heir.userId).toBe(cleo.userId)
    await ben.next('room:member', ({ change, userId }) => change === 'left' && userId === ann.userId)
    expectOrdered(ben, { roomId: room.id })
    expect(await ann.codeOf('room:leave', { roomId: room.id })).toBe('not_found')
    await cleo.emit('room:leave', { roomId: room.id })
    await ben.emit('room:leave', { roomId: room.id })
    const rejoined = await ann.emit('room:join', { roomId: room.id })
    expect(rejoined.members).toEqual([{ userId: ann.userId, role: 'owner' }])
  })

  test('[CHAT-09] one who comes back hears again, from the rev at which it came', async () => {
    const { sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    const room = await roomOf(sockets, { visibility: 'public' })
    for (let round = 0; round < 3; round++) {
      await ben.emit('room:leave', { roomId: room.id })
      await world().until(() => ben.of('room:left').length === round + 1)
      await say(ann, room)
      const back = await ben.emit('room:join', { roomId: room.id })
      await world().until(() => ben.of('room:joined', ({ rev }) => rev === back.rev).length === 1)
      const said = await say(ann, room)
      const heard = await ben.next('room:message', ({ id }) => id === said.id)
      expect(heard.prevRev).toBe(back.rev)
    }
    expect(ben.of('room:joined')).toHaveLength(4)
  })

  test('[CHAT-10] a room’s name, topic, visibility and pace change for all; as it is, nothing happens', async () => {
    const { sockets } = await cast(world(), 'Ann', 'Ben', 'Cleo')
    const [ann, ben, cleo] = sockets as [TestSocket, TestSocket, TestSocket]
    const room = await roomOf([ann, ben])
    const updated = await ann.emit('room:update', { roomId: room.id, name: 'New', topic: 'T', visibility: 'public' })
    expect(updated).toMatchObject({ name: 'New', topic: 'T', visibility: 'public', rev: 2 })
    expect(await ben.next('room:updated')).toEqual({
      roomId: room.id,
      name: 'New',
      topic: 'T',
      visibility: 'public',
      slowModeSeconds: 0,
      updatedAt: updated.updatedAt,
      by: ann.userId,
      rev: 2,
      prevRev: 1,
    })
    expect((await ann.emit('room:update', { roomId: room.id, name: 'New' })).rev).toBe(2)
    expect((await cleo.emit('room:join', { roomId: room.id })).name).toBe('New')
    await ann.emit('room:update', { roomId: room.id, visibility: 'private' })
    const stranger = (await cast(world(), 'Dan')).sockets[0]!
    expect(await stranger.codeOf('room:join', { roomId: room.id })).toBe('not_found')
  })

  test('[CHAT-11] slow mode holds plain members to its pace, on all instances together', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    const elsewhere = await world().connect(people[1]!, 0)
    const room = await roomOf(sockets)
    await ann.emit('room:update', { roomId: room.id, slowModeSeconds: 1 })
    await ben.next('room:updated')
    const clientId = fresh()
    // A send that fails for another reason costs no turn.
    expect(
      await ben.codeOf('room:send', {
        roomId: room.id,
        clientId: fresh(),
        content: 'x',
        replyToId: '01HYN8FXZ2W6X8K6YTNPEKXYM7',
      }),
    ).toBe('not_found')
    const first = await ben.emit('room:send', { roomId: room.id, clientId, content: 'one' })
    const refused = await elsewhere
      .emit('room:send', { roomId: room.id, clientId: fresh(), content: 'two' })
      .catch((e) => e)
    expect(refused.code).toBe('rate_limited')
    expect(refused.retryAfterMs).toBeGreaterThan(0)
    expect(refused.retryAfterMs).toBeLessThanOrEqual(1_000)
    // A repeat is no new message, and leaders are not slowed down.
    expect((await elsewhere.emit('room:send', { roomId: room.id, clientId, content: 'one' })).id).toBe(first.id)
    await say(ann, room)
    await say(ann, room)
    await settle(refused.retryAfterMs + 20)
    await say(elsewhere, room)
    await ann.emit('room:update', { roomId: room.id, slowModeSeconds: 30 })
    await world().until(() => elsewhere.of('room:updated').length === 2)
    const [dan] = (await cast(world(), 'Dan')).people
    await ann.emit('room:invite', { roomId: room.id, userIds: [dan!.id] })
    const devices = [await world().connect(dan!, 0), await world().connect(dan!, 1)]
    const codes = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        devices[index % 2]!.codeOf('room:send', { roomId: room.id, clientId: fresh(), content: 'x' }),
      ),
    )
    expect(codes.sort()).toEqual(['ok', ...Array(7).fill('rate_limited')])
  })
})
