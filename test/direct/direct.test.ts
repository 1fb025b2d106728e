import { expect, test } from 'vitest'
import type { TestSocket } from '../support/socket.ts'
import { cast, eachWorld, expectOrdered, fresh, settle, tell } from '../support/worlds.ts'

const nowhere = '01HYN8FXZ2W6X8K6YTNPEKXYM7'
const sequence = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

eachWorld((world) => {
  test('[DM-01] a first message reaches all sockets of both, on whichever instance', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    const more = [await world().connect(people[0]!, 1), await world().connect(people[1]!, 0)]
    const clientId = fresh()
    const ack = await ann.emit('dm:send', { userId: ben.userId, clientId, content: 'Hi' })
    expect(ack).toMatchObject({
      senderId: ann.userId,
      receiverId: ben.userId,
      content: 'Hi',
      seq: 1,
      rev: 1,
      clientId,
      readAt: null,
      updatedAt: null,
      deletedAt: null,
      reactions: [],
    })
    for (const socket of [...sockets, ...more]) {
      expect(await socket.next('dm:message')).toEqual({ ...ack, prevRev: 0 })
    }
    const answer = await tell(ben, people[0]!)
    for (const socket of [...sockets, ...more]) {
      await socket.next('dm:message', ({ id }) => id === answer.id)
      expectOrdered(socket, { userId: socket.userId === ann.userId ? ben.userId : ann.userId })
      expect(socket.of('dm:message')).toHaveLength(2)
    }
  })

  test('[DM-02] of first messages that come while the other connects, the other hears, live or in ready', async () => {
    const { sockets } = await cast(world(), ...sequence(1, 16).map((n) => `Writer ${n}`))
    for (let round = 0; round < 3; round++) {
      const ben = await world().user('Ben')
      const connecting = world().connect(ben, round)
      await Promise.all(
        sockets.map(async (socket, index) => {
          await settle(index * 2)
          await tell(socket, ben)
        }),
      )
      const socket = await connecting
      for (const { userId } of sockets) {
        const known = socket.ready.conversations.find((each: any) => each.userId === userId)
        if (known?.rev) expect(known).toEqual({ userId, rev: 1, seq: 1, readSeq: 0, unread: 1 })
        else await socket.next('dm:message', ({ senderId }) => senderId === userId)
      }
      socket.close()
    }
  })

  test('[DM-03] sending is idempotent on any instance; other content under the clientId is conflict', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    const elsewhere = await world().connect(people[0]!, 1)
    const message = { userId: ben.userId, clientId: fresh(), content: 'once' }
    const acks = await Promise.all(sequence(1, 10).map((n) => (n % 2 ? elsewhere : ann).emit('dm:send', message)))
    for (const ack of acks) expect(ack).toEqual(acks[0])
    expect(await elsewhere.codeOf('dm:send', { ...message, content: 'twice' })).toBe('conflict')
    // The other side's clientIds are its own.
    expect((await ben.emit('dm:send', { ...message, userId: ann.userId })).id).not.toBe(acks[0].id)
    await settle()
    expect(ben.of('dm:message', ({ senderId }) => senderId === ann.userId)).toHaveLength(1)
  })

  test('[DM-04] both write at once: seqs and revs are dense and the same for both', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    const acks = await Promise.all(sequence(1, 40).map((n) => (n % 2 ? tell(ann, people[1]!) : tell(ben, people[0]!))))
    expect(acks.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(sequence(1, 40))
    for (const [socket, other] of [
      [ann, ben],
      [ben, ann],
    ] as const) {
      await socket.reach({ userId: other.userId }, 40)
      expect(socket.changes({ userId: other.userId }).map(({ payload }) => payload.rev)).toEqual(sequence(1, 40))
      expectOrdered(socket, { userId: other.userId })
    }
  })

  test('[DM-05] edits, deletions and reactions reach both; each may only what is theirs', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben', 'Cleo')
    const [ann, ben, cleo] = sockets as [TestSocket, TestSocket, TestSocket]
    const message = await tell(ann, people[1]!, 'first')
    const edited = await ann.emit('dm:edit', { messageId: message.id, content: 'second' })
    expect(edited).toMatchObject({ id: message.id, content: 'second', rev: 2, seq: 1 })
    expect(await ben.next('dm:message:edited')).toEqual({ ...edited, prevRev: 1 })
    const reacted = await ben.emit('dm:react', { messageId: message.id, emoji: '🔥', on: true })
    expect(reacted.reactions).toEqual([{ emoji: '🔥', userIds: [ben.userId] }])
    expect(await ann.next('dm:message:reacted')).toEqual({ ...reacted, prevRev: 2 })
    expect((await ben.emit('dm:react', { messageId: message.id, emoji: '🔥', on: true })).rev).toBe(3)
    expect(await ben.codeOf('dm:edit', { messageId: message.id, content: 'x' })).toBe('forbidden')
    expect(await ben.codeOf('dm:delete', { messageId: message.id })).toBe('forbidden')
    for (const [event, more] of [
      ['dm:edit', { content: 'x' }],
      ['dm:delete', {}],
      ['dm:react', { emoji: '🔥', on: true }],
    ] as const) {
      expect(await cleo.codeOf(event, { messageId: message.id, ...more })).toBe('not_found')
      expect(await cleo.codeOf(event, { messageId: nowhere, ...more })).toBe('not_found')
    }
    const deleted = await ann.emit('dm:delete', { messageId: message.id })
    expect(deleted).toMatchObject({ content: '', reactions: [], seq: 1, rev: 4 })
    expect(await ben.next('dm:message:deleted')).toEqual({ ...deleted, prevRev: 3 })
    expect(await ann.codeOf('dm:edit', { messageId: message.id, content: 'x' })).toBe('gone')
    expect(await ben.codeOf('dm:react', { messageId: message.id, emoji: '🔥', on: true })).toBe('gone')
    expect((await ann.emit('dm:delete', { messageId: message.id })).rev).toBe(4)
    // A message of a room is no direct one, and the other way round.
    expect(await ann.codeOf('room:edit', { messageId: message.id, content: 'x' })).toBe('not_found')
    await settle()
    expect(cleo.received.map(({ event }) => event)).toEqual(['ready'])
  })

  test('[DM-06] reading sets readAt of all up to there, tells both sides, and never goes back', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    const benToo = await world().connect(people[1]!, 0)
    for (let index = 0; index < 3; index++) await tell(ann, people[1]!)
    expect(await ben.emit('dm:read', { userId: ann.userId, seq: 2 })).toEqual({ readSeq: 2, unread: 1 })
    for (const socket of [ann, ben, benToo]) {
      const told = await socket.next('dm:read')
      expect(told).toMatchObject({ userId: ben.userId, peerId: ann.userId, seq: 2 })
      expect(Math.abs(Date.parse(told.readAt) - Date.now())).toBeLessThan(60_000)
    }
    expect(await ben.emit('dm:read', { userId: ann.userId, seq: 1 })).toEqual({ readSeq: 2, unread: 1 })
    const { messages } = await ann.emit('dm:history', { userId: ben.userId })
    expect(messages.map(({ readAt }: any) => readAt !== null)).toEqual([true, true, false])
    expect(messages[0].readAt).toBe(ben.of('dm:read')[0].readAt)
    expect(await ben.emit('dm:read', { userId: ann.userId, seq: 99 })).toEqual({ readSeq: 3, unread: 0 })
    // The sender's own mark does not make a message read.
    await tell(ann, people[1]!)
    await ann.emit('dm:read', { userId: ben.userId, seq: 4 })
    expect((await ann.emit('dm:history', { userId: ben.userId, limit: 1 })).messages[0].readAt).toBeNull()
    const again = await world().connect(people[1]!, 1)
    expect(again.ready.conversations).toEqual([{ userId: ann.userId, rev: 4, seq: 4, readSeq: 3, unread: 1 }])
  })

  test('[DM-07] history goes both ways; a conversation that is not there is empty', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben', 'Cleo')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    for (let index = 0; index < 7; index++) await tell(ann, people[1]!)
    const seqs = async (range: object) => {
      const { messages, more } = await ben.emit('dm:history', { userId: ann.userId, ...range })
      return [messages.map(({ seq }: any) => seq), more]
    }
    expect(await seqs({ limit: 3 })).toEqual([[5, 6, 7], true])
    expect(await seqs({ before: 3 })).toEqual([[1, 2], false])
    expect(await seqs({ after: 2, limit: 2 })).toEqual([[3, 4], true])
    expect(await ann.emit('dm:history', { userId: people[2]!.id })).toEqual({ messages: [], more: false })
    expect(await ann.emit('dm:read', { userId: people[2]!.id, seq: 5 })).toEqual({ readSeq: 0, unread: 0 })
    expect(await ann.codeOf('dm:history', { userId: nowhere })).toBe('not_found')
    expect(await ann.codeOf('dm:send', { userId: nowhere, clientId: 'x', content: 'x' })).toBe('not_found')
    expect(await ann.codeOf('dm:send', { userId: ann.userId, clientId: 'x', content: 'x' })).toBe('invalid')
    for (const content of ['', 'x'.repeat(8_001)]) {
      expect(await ann.codeOf('dm:send', { userId: ben.userId, clientId: 'x', content })).toBe('invalid')
    }
  })

  test('[DM-08] a blocked sender gets forbidden until unblocked; what was sent before stays answered', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    const before = { userId: ben.userId, clientId: fresh(), content: 'before' }
    const message = await ann.emit('dm:send', before)
    await ben.next('dm:message')
    const path = `/api/v1/blocks/${ann.userId}`
    for (const _ of [1, 2]) expect((await world().ask('PUT', path, { as: people[1]!, instance: 1 })).status).toBe(204)
    expect((await world().ask('GET', '/api/v1/blocks', { as: people[1]! })).body).toEqual({
      items: [{ userId: ann.userId, createdAt: expect.stringMatching(/Z$/) }],
      nextCursor: null,
    })
    expect(await ann.codeOf('dm:send', { userId: ben.userId, clientId: fresh(), content: 'x' })).toBe('forbidden')
    expect(await ann.codeOf('dm:edit', { messageId: message.id, content: 'x' })).toBe('forbidden')
    expect(await ann.codeOf('dm:react', { messageId: message.id, emoji: '👍', on: true })).toBe('forbidden')
    expect((await ann.emit('dm:send', before)).id).toBe(message.id)
    expect(await ann.codeOf('dm:send', { ...before, content: 'other' })).toBe('conflict')
    await ann.emit('dm:typing', { userId: ben.userId, on: true })
    // The one who blocks may still write, and what was said may be taken back.
    await tell(ben, people[0]!)
    await ann.emit('dm:delete', { messageId: message.id })
    await ben.next('dm:message:deleted')
    await settle()
    expect(ben.of('dm:typing')).toEqual([])
    for (const _ of [1, 2]) expect((await world().ask('DELETE', path, { as: people[1]! })).status).toBe(204)
    await tell(ann, people[1]!)
    const put = (userId: string) => world().ask('PUT', `/api/v1/blocks/${userId}`, { as: people[0]! })
    expect((await put(ann.userId)).status).toBe(422)
    expect((await put(nowhere)).status).toBe(404)
  })

  test('[DM-09] conversations come newest begun first, in pages, each with its last message and unread', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben', 'Cleo', 'Dan')
    const [ann, ben, cleo] = sockets as TestSocket[]
    await tell(ben!, people[0]!)
    await tell(ann!, people[2]!)
    const last = await tell(cleo!, people[0]!)
    await tell(ann!, people[3]!)
    const first = await ann!.emit('dm:conversations', { limit: 2 })
    expect(first.items.map(({ userId }: any) => userId)).toEqual([people[3]!.id, people[2]!.id])
    expect(first.items[1]).toEqual({ userId: cleo!.userId, rev: 2, readSeq: 0, unread: 1, lastMessage: last })
    const rest = await ann!.emit('dm:conversations', { limit: 2, cursor: first.nextCursor })
    expect(rest).toMatchObject({ items: [{ userId: ben!.userId, rev: 1, unread: 1 }], nextCursor: null })
    expect((await world().connect(people[0]!, 1)).ready.conversations).toHaveLength(3)
  })
})
