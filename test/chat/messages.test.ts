import { expect, test } from 'vitest'
import type { TestSocket } from '../support/socket.ts'
import { cast, eachWorld, expectOrdered, fresh, roomOf, say, settle } from '../support/worlds.ts'

const nowhere = '01HYN8FXZ2W6X8K6YTNPEKXYM7'

eachWorld((world) => {
  test('[CHAT-20] a message reaches all sockets of all members, the sender’s too, as its ack says', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann] = sockets as [TestSocket, TestSocket]
    const room = await roomOf(sockets)
    const more = [await world().connect(people[0]!, 1), await world().connect(people[1]!, 0)]
    const clientId = fresh()
    const ack = await ann.emit('room:send', { roomId: room.id, clientId, content: 'Hello ✨ wörld' })
    expect(ack).toMatchObject({
      chatRoomId: room.id,
      senderId: ann.userId,
      type: 'text',
      content: 'Hello ✨ wörld',
      replyToId: null,
      seenBy: [],
      seenCount: 0,
      updatedAt: null,
      deletedAt: null,
      seq: 1,
      rev: 2,
      clientId,
      reactions: [],
      mentions: [],
      attachments: [],
      pinned: false,
    })
    for (const socket of [...sockets, ...more]) {
      expect(await socket.next('room:message')).toEqual({ ...ack, prevRev: 1 })
    }
    await settle()
    for (const socket of [...sockets, ...more]) expect(socket.of('room:message')).toHaveLength(1)
  })

  test('[CHAT-21] content is 1 to 8,000 characters; system messages are the server’s alone', async () => {
    const { sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann] = sockets as [TestSocket, TestSocket]
    const room = await roomOf(sockets)
    const codeOf = (content: unknown, more = {}) =>
      ann.codeOf('room:send', { roomId: room.id, clientId: fresh(), content, ...more })
    expect(await codeOf('x')).toBe('ok')
    expect(await codeOf('x'.repeat(8_000))).toBe('ok')
    expect(await codeOf('🎸'.repeat(8_000))).toBe('ok')
    expect(await codeOf('x'.repeat(8_001))).toBe('invalid')
    expect(await codeOf('🎸'.repeat(8_001))).toBe('invalid')
    expect(await codeOf('')).toBe('invalid')
    expect(await codeOf('\ud83c')).toBe('invalid')
    expect(await codeOf('x', { type: 'system' })).toBe('invalid')
    expect(await codeOf('x', { clientId: '' })).toBe('invalid')
    expect(await codeOf('x', { clientId: 'c'.repeat(65) })).toBe('invalid')
    expect(await codeOf('x', { attachmentIds: [nowhere] })).toBe('not_found')
  })

  test('[CHAT-22] a repeat gets the stored message on any instance, at once or later; other content is conflict', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    const elsewhere = await world().connect(people[0]!, 1)
    const room = await roomOf(sockets)
    const message = { roomId: room.id, clientId: fresh(), content: 'once' }
    const acks = await Promise.all(
      Array.from({ length: 12 }, (_, index) => (index % 2 ? elsewhere : ann).emit('room:send', message)),
    )
    expect(new Set(acks.map((ack) => ack.id)).size).toBe(1)
    for (const ack of acks) expect(ack).toEqual(acks[0])
    for (const other of [{ content: 'twice' }, { type: 'image' }, { replyToId: acks[0].id }]) {
      expect(await elsewhere.codeOf('room:send', { ...message, ...other })).toBe('conflict')
    }
    // Another's clientId is another's.
    expect((await ben.emit('room:send', message)).id).not.toBe(acks[0].id)
    // As it is now, where it has lived on.
    await ann.emit('room:edit', { messageId: acks[0].id, content: 'edited' })
    expect(await elsewhere.emit('room:send', message)).toMatchObject({ id: acks[0].id, content: 'edited', seq: 1 })
    await settle()
    expect(ben.of('room:message', ({ senderId }) => senderId === ann.userId)).toHaveLength(1)
    expectOrdered(ben, { roomId: room.id })
  })

  test('[CHAT-23] many senders at once: seqs and revs are dense and the same for all, acks agree', async () => {
    const { sockets } = await cast(world(), 'Ann', 'Ben', 'Cleo', 'Dan')
    const room = await roomOf(sockets)
    const acks = (
      await Promise.all(
        sockets.map((socket, who) =>
          Promise.all(Array.from({ length: 25 }, (_, index) => say(socket, room, `${who}.${index}`))),
        ),
      )
    ).flat()
    expect(acks.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
    for (const socket of sockets) {
      await socket.reach({ roomId: room.id }, 101)
      const heard = socket.changes({ roomId: room.id }).map(({ payload }) => payload)
      expect(heard.map(({ rev }) => rev)).toEqual(Array.from({ length: 100 }, (_, i) => i + 2))
      expectOrdered(socket, { roomId: room.id })
      const byId = new Map(heard.map((payload) => [payload.id, payload.seq]))
      for (const ack of acks) expect(byId.get(ack.id)).toBe(ack.seq)
    }
    // What one socket sends in turn keeps its order.
    for (const who of [0, 1, 2, 3]) {
      const own = acks.filter(({ content }) => content.startsWith(`${who}.`)).map(({ seq }) => seq)
      expect(own).toEqual([...own].sort((a, b) => a - b))
    }
  })

  test('[CHAT-24] replies name a message of the same room', async () => {
    const { sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    const room = await roomOf(sockets)
    const other = await roomOf([ann])
    const first = await say(ann, room)
    const elsewhere = await say(ann, other)
    const reply = await say(ben, room, 'yes', { replyToId: first.id })
    expect((await ann.next('room:message', ({ id }) => id === reply.id)).replyToId).toBe(first.id)
    for (const replyToId of [elsewhere.id, nowhere]) {
      expect(await ben.codeOf('room:send', { roomId: room.id, clientId: fresh(), content: 'x', replyToId })).toBe(
        'not_found',
      )
    }
  })

  test('[CHAT-25] mentions: names of several words, in any case, the longest that fits, all of one name', async () => {
    const { people, sockets } = await cast(world(), 'Jane', 'Jane D', 'Ünal Öz', 'Sam', 'Sam', 'Stranger')
    const [jane, janeD, unal, samOne, samTwo] = people.map(({ id }) => id)
    const [first] = sockets as TestSocket[]
    const room = await roomOf(sockets.slice(0, 5))
    const mentions = async (content: string) => new Set((await say(first!, room, content)).mentions)
    expect(await mentions('hello @Jane D, how are you')).toEqual(new Set([janeD]))
    expect(await mentions('hello @jane!')).toEqual(new Set([jane]))
    expect(await mentions('(@JANE) and @ünal öz’s synth')).toEqual(new Set([jane, unal]))
    expect(await mentions('@Sam you are two')).toEqual(new Set([samOne, samTwo]))
    expect(await mentions('@Jane Dee')).toEqual(new Set([jane]))
    expect(await mentions('mail me at me@jane, @Nobody, @Stranger, @ Jane, @')).toEqual(new Set())
    const message = await say(first!, room, 'nobody')
    const edited = await first!.emit('room:edit', { messageId: message.id, content: 'now @Sam' })
    expect(new Set(edited.mentions)).toEqual(new Set([samOne, samTwo]))
  })

  test('[CHAT-26] edits and deletions reach all; a deleted message stays as an empty tombstone', async () => {
    const { sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    const room = await roomOf(sockets)
    const message = await say(ann, room, 'first')
    const edited = await ann.emit('room:edit', { messageId: message.id, content: 'second' })
    expect(edited).toMatchObject({ id: message.id, content: 'second', seq: 1, rev: 3 })
    expect(edited.updatedAt).not.toBeNull()
    expect(await ben.next('room:message:edited')).toEqual({ ...edited, prevRev: 2 })
    // The same text again changes nothing.
    expect((await ann.emit('room:edit', { messageId: message.id, content: 'second' })).rev).toBe(3)
    await ben.emit('room:react', { messageId: message.id, emoji: '👍', on: true })
    await ann.emit('room:pin', { messageId: message.id, on: true })
    const deleted = await ann.emit('room:delete', { messageId: message.id })
    expect(deleted).toMatchObject({ content: '', reactions: [], mentions: [], attachments: [], pinned: false, seq: 1 })
    expect(deleted.deletedAt).not.toBeNull()
    expect(await ben.next('room:message:deleted')).toEqual({ ...deleted, prevRev: 5 })
    expect((await ann.emit('room:delete', { messageId: message.id })).rev).toBe(deleted.rev)
    expect(await ann.codeOf('room:edit', { messageId: message.id, content: 'x' })).toBe('gone')
    expect(await ann.codeOf('room:react', { messageId: message.id, emoji: '👍', on: true })).toBe('gone')
    expect(await ann.codeOf('room:pin', { messageId: message.id, on: true })).toBe('gone')
    expect((await ben.emit('room:history', { roomId: room.id })).messages).toEqual([deleted])
    expect(await ann.codeOf('room:edit', { messageId: nowhere, content: 'x' })).toBe('not_found')
  })

  test('[CHAT-27] reactions are idempotent; of twenty at once on all instances none is lost', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `Fan ${index}`)
    const { sockets } = await cast(world(), ...names)
    const room = await roomOf(sockets)
    const message = await say(sockets[0]!, room)
    const react = (socket: TestSocket, on: boolean, emoji = '🎶') =>
      socket.emit('room:react', { messageId: message.id, emoji, on })
    await Promise.all(sockets.flatMap((socket) => [react(socket, true), react(socket, true)]))
    const [now] = (await sockets[0]!.emit('room:history', { roomId: room.id })).messages
    expect(now.reactions).toHaveLength(1)
    expect([...now.reactions[0].userIds].sort()).toEqual(sockets.map(({ userId }) => userId).sort())
    // One rev a person: the second of each changed nothing.
    expect(now.rev).toBe(message.rev + 20)
    for (const socket of sockets) {
      await socket.reach({ roomId: room.id }, now.rev)
      expectOrdered(socket, { roomId: room.id }, false)
    }
    await Promise.all(sockets.slice(5).map((socket) => react(socket, false)))
    await react(sockets[0]!, true, '🏴󠁧󠁢󠁥󠁮󠁧󠁿')
    const after = await react(sockets[0]!, true, '👩‍🎤')
    expect(after.reactions.map(({ emoji, userIds }: any) => [emoji, userIds.length])).toEqual([
      ['🎶', 5],
      ['🏴󠁧󠁢󠁥󠁮󠁧󠁿', 1],
      ['👩‍🎤', 1],
    ])
    expect(await sockets[0]!.codeOf('room:react', { messageId: message.id, emoji: 'a b', on: true })).toBe('invalid')
  })

  test('[CHAT-28] pins are set and taken off, by any member', async () => {
    const { sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    const room = await roomOf(sockets)
    const message = await say(ann, room)
    const pinned = await ben.emit('room:pin', { messageId: message.id, on: true })
    expect(await ann.next('room:message:pinned')).toEqual({ ...pinned, prevRev: message.rev })
    expect(pinned.pinned).toBe(true)
    expect((await ben.emit('room:pin', { messageId: message.id, on: true })).rev).toBe(pinned.rev)
    expect((await ann.emit('room:pin', { messageId: message.id, on: false })).pinned).toBe(false)
  })

  test('[CHAT-29] reading marks move on, never back nor past the end; seenBy and unread follow from them', async () => {
    const { sockets } = await cast(world(), 'Ann', 'Ben', 'Cleo')
    const [ann, ben, cleo] = sockets as [TestSocket, TestSocket, TestSocket]
    const room = await roomOf(sockets)
    for (let index = 0; index < 4; index++) await say(ann, room)
    expect(await ben.emit('room:read', { roomId: room.id, seq: 3 })).toEqual({ readSeq: 3, unread: 1 })
    expect(await ann.next('room:read')).toEqual({ roomId: room.id, userId: ben.userId, seq: 3 })
    expect(await ben.emit('room:read', { roomId: room.id, seq: 1 })).toEqual({ readSeq: 3, unread: 1 })
    expect(await cleo.emit('room:read', { roomId: room.id, seq: 1_000 })).toEqual({ readSeq: 4, unread: 0 })
    await ann.next('room:read', ({ userId }) => userId === cleo.userId)
    await ann.emit('room:read', { roomId: room.id, seq: 4 })
    const { messages } = await ben.emit('room:history', { roomId: room.id })
    expect(messages.map(({ seenBy, seenCount }: any) => [new Set(seenBy), seenCount])).toEqual([
      [new Set([ben.userId, cleo.userId]), 2],
      [new Set([ben.userId, cleo.userId]), 2],
      [new Set([ben.userId, cleo.userId]), 2],
      [new Set([cleo.userId]), 1],
    ])
    // A changed message tells it live as well; one's own messages are never unread.
    const edited = await ann.emit('room:edit', { messageId: messages[3].id, content: 'edited' })
    expect(edited).toMatchObject({ seenBy: [cleo.userId], seenCount: 1 })
    expect((await ben.next('room:message:edited')).seenBy).toEqual([cleo.userId])
    await say(cleo, room)
    expect(await cleo.emit('room:read', { roomId: room.id, seq: 0 })).toEqual({ readSeq: 4, unread: 0 })
    // Marks moved at once on all instances end at the highest.
    const marks = await Promise.all([5, 2, 4, 5, 1].map((seq) => ben.emit('room:read', { roomId: room.id, seq })))
    expect(Math.max(...marks.map(({ readSeq }) => readSeq))).toBe(5)
    expect((await ben.emit('room:read', { roomId: room.id, seq: 0 })).readSeq).toBe(5)
  })

  test('[CHAT-30] history goes both ways in pages ascending by seq', async () => {
    const { sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    const room = await roomOf(sockets)
    await Promise.all(Array.from({ length: 12 }, () => say(ann, room)))
    const seqs = async (range: object) => {
      const { messages, more } = await ben.emit('room:history', { roomId: room.id, ...range })
      return [messages.map(({ seq }: any) => seq), more]
    }
    expect(await seqs({ limit: 5 })).toEqual([[8, 9, 10, 11, 12], true])
    expect(await seqs({ before: 8, limit: 5 })).toEqual([[3, 4, 5, 6, 7], true])
    expect(await seqs({ before: 3, limit: 5 })).toEqual([[1, 2], false])
    expect(await seqs({ after: 0, limit: 5 })).toEqual([[1, 2, 3, 4, 5], true])
    expect(await seqs({ after: 10, limit: 5 })).toEqual([[11, 12], false])
    expect(await seqs({ after: 3, before: 6 })).toEqual([[4, 5], false])
    expect(await seqs({ after: 12 })).toEqual([[], false])
    expect(await ben.codeOf('room:history', { roomId: room.id, limit: 201 })).toBe('invalid')
  })

  test('[CHAT-31] search finds all words, in own rooms alone', async () => {
    const { sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann, ben] = sockets as [TestSocket, TestSocket]
    const shared = await roomOf(sockets)
    const own = await roomOf([ann])
    const word = fresh('zither').replace('-', '')
    const both = await say(ann, shared, `The ${word} solo, quite long`)
    await say(ann, shared, `${word} alone`)
    const secret = await say(ann, own, `my ${word} solo`)
    const found = async (socket: TestSocket, payload: object) =>
      (await socket.emit('room:search', payload)).messages.map(({ id }: any) => id)
    expect(await found(ben, { query: `${word} SOLO` })).toEqual([both.id])
    expect(new Set(await found(ann, { query: `${word} solo` }))).toEqual(new Set([both.id, secret.id]))
    expect(await found(ann, { query: `${word} solo`, roomId: own.id })).toEqual([secret.id])
    expect(await ben.codeOf('room:search', { query: word, roomId: own.id })).toBe('not_found')
    expect(await found(ben, { query: word, limit: 1 })).toHaveLength(1)
    await ann.emit('room:delete', { messageId: both.id })
    expect(await found(ben, { query: `${word} solo` })).toEqual([])
    for (const query of ['"', '-x', '$where', '\\', '" "', '- "']) expect(await found(ben, { query })).toEqual([])
  })
})
