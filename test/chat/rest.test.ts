import { expect, test } from 'vitest'
import type { TestSocket } from '../support/socket.ts'
import type { AskOptions, World } from '../support/world.ts'
import { cast, eachWorld, fresh, roomOf, say, tell } from '../support/worlds.ts'

const nowhere = '01HYN8FXZ2W6X8K6YTNPEKXYM7'

/** All pages of a list, in the order given. */
async function pages(world: World, path: string, options: AskOptions, limit: number) {
  const found: any[][] = []
  let cursor: string | null = null
  do {
    const join = path.includes('?') ? '&' : '?'
    const next: string = `${path}${join}limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`
    const { status, body } = await world.ask('GET', next, options)
    expect(status).toBe(200)
    expect(body.items.length).toBeLessThanOrEqual(limit)
    found.push(body.items)
    cursor = body.nextCursor
    expect(found.length).toBeLessThan(100)
  } while (cursor)
  return found
}

eachWorld((world) => {
  test('[REST-01] rooms are made, shown, changed and listed, and sockets hear of it', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann, ben] = people as [any, any]
    const made: any[] = []
    for (let index = 0; index < 5; index++) {
      const { status, body } = await world().ask('POST', '/api/v1/chat-rooms', {
        as: ann,
        body: {
          name: `Room ${index}`,
          visibility: index % 2 ? 'public' : 'private',
          memberIds: index === 0 ? [ben.id] : [],
        },
      })
      expect(status).toBe(201)
      made.push(body)
    }
    expect((await sockets[1]!.next('room:joined')).id).toBe(made[0].id)
    const own = await pages(world(), '/api/v1/chat-rooms', { as: ann, instance: 1 }, 2)
    expect(own.flat().map(({ id }) => id)).toEqual(made.map(({ id }) => id).reverse())
    expect(own.map((page) => page.length)).toEqual([2, 2, 1])
    expect((await world().ask('GET', '/api/v1/chat-rooms', { as: ben })).body.items).toHaveLength(1)
    const open = (await pages(world(), '/api/v1/chat-rooms?visibility=public', { as: ben }, 3)).flat()
    expect(open.map(({ id }) => id)).toEqual(expect.arrayContaining([made[1].id, made[3].id]))
    expect(open.every(({ visibility }) => visibility === 'public')).toBe(true)
    const word = fresh('marimba').replace('-', '')
    const path = `/api/v1/chat-rooms/${made[3].id}`
    const changed = await world().ask('PATCH', path, { as: ann, body: { topic: `On ${word}`, slowModeSeconds: 5 } })
    expect(changed).toMatchObject({ status: 200, body: { topic: `On ${word}`, slowModeSeconds: 5, rev: 2 } })
    const found = await world().ask('GET', `/api/v1/chat-rooms?visibility=public&q=${word}`, { as: ben })
    expect(found.body.items.map(({ id }: any) => id)).toEqual([made[3].id])
    expect((await world().ask('GET', path, { as: ben })).body.topic).toBe(`On ${word}`)
    const codeOf = async (method: string, at: string, options: AskOptions) =>
      (await world().ask(method, at, options)).body.code
    expect(await codeOf('GET', `/api/v1/chat-rooms?q=${word}`, { as: ben })).toBe('invalid')
    expect(await codeOf('GET', '/api/v1/chat-rooms?cursor=nonsense', { as: ben })).toBe('invalid')
    expect(await codeOf('GET', `/api/v1/chat-rooms/${made[2].id}`, { as: ben })).toBe('not_found')
    expect(await codeOf('PATCH', path, { as: ben, body: { topic: 'x' } })).toBe('forbidden')
    expect(await codeOf('PATCH', path, { as: ann, body: { name: '' } })).toBe('invalid')
    expect(await codeOf('GET', path, {})).toBe('unauthenticated')
  })

  test('[REST-02] members are listed with their roles, invited, promoted, removed; oneself leaves', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben', 'Cleo', 'Dan')
    const [ann, ben, cleo, dan] = people as any[]
    const room = await roomOf([sockets[0]!, sockets[1]!], { visibility: 'public' })
    const path = `/api/v1/chat-rooms/${room.id}`
    const invited = await world().ask('POST', `${path}/members`, { as: ann, body: { userIds: [cleo.id] } })
    expect(invited).toMatchObject({ status: 200, body: { memberCount: 3 } })
    await sockets[2]!.next('room:joined')
    expect((await world().ask('POST', `${path}/join`, { as: dan, instance: 1 })).body.memberCount).toBe(4)
    const role = await world().ask('PATCH', `${path}/members/${ben.id}`, { as: ann, body: { role: 'moderator' } })
    expect(role.status).toBe(200)
    const members = await pages(world(), `${path}/members`, { as: cleo }, 3)
    expect(members.map((page) => page.length)).toEqual([3, 1])
    expect(members.flat()).toEqual(
      people
        .map(({ id }) => ({
          userId: id,
          role: id === ann.id ? 'owner' : id === ben.id ? 'moderator' : 'member',
          joinedAt: expect.stringMatching(/^\d{4}-.*Z$/),
        }))
        .sort((one, two) => (one.userId < two.userId ? -1 : 1)),
    )
    const remove = (as: any, userId: string) => world().ask('DELETE', `${path}/members/${userId}`, { as })
    expect((await remove(dan, cleo.id)).body.code).toBe('forbidden')
    expect((await remove(ben, cleo.id)).status).toBe(204)
    expect(await sockets[2]!.next('room:left')).toMatchObject({ change: 'removed' })
    expect((await remove(dan, dan.id)).status).toBe(204)
    expect(await sockets[3]!.next('room:left')).toMatchObject({ change: 'left' })
    expect((await remove(ann, nowhere)).body.code).toBe('not_found')
    expect((await world().ask('POST', `${path}/leave`, { as: ben })).status).toBe(200)
    expect((await world().ask('POST', `${path}/leave`, { as: ben })).body.code).toBe('not_found')
    expect((await pages(world(), `${path}/members`, { as: ann }, 10)).flat()).toHaveLength(1)
  })

  test('[REST-03] messages come in pages ascending by seq, from the newest back; after goes onwards', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben')
    const room = await roomOf(sockets)
    const path = `/api/v1/chat-rooms/${room.id}/messages`
    const as = people[1]!
    for (let index = 0; index < 7; index++) await say(sockets[0]!, room)
    const seqs = async (query: string, limit: number) =>
      (await pages(world(), `${path}${query}`, { as }, limit)).map((page) => page.map(({ seq }) => seq))
    expect(await seqs('', 3)).toEqual([[5, 6, 7], [2, 3, 4], [1]])
    expect(await seqs('?after=2', 3)).toEqual([
      [3, 4, 5],
      [6, 7],
    ])
    expect(await seqs('?before=5', 3)).toEqual([[2, 3, 4], [1]])
    expect(await seqs('?after=1&before=7', 2)).toEqual([[5, 6], [3, 4], [2]])
    expect(await seqs('?after=7', 3)).toEqual([[]])
    // What is written meanwhile does not move pages.
    const first = (await world().ask('GET', `${path}?limit=3`, { as })).body
    await say(sockets[0]!, room)
    const second = await world().ask('GET', `${path}?limit=3&cursor=${first.nextCursor}`, { as })
    expect(second.body.items.map(({ seq }: any) => seq)).toEqual([2, 3, 4])
    for (const { id } of [first.items[0], second.body.items[0]])
      expect((await world().ask('PUT', `${path}/${id}/pin`, { as })).body.pinned).toBe(true)
    expect(await seqs('?pinned=true', 1)).toEqual([[5], [2]])
    expect((await world().ask('DELETE', `${path}/${first.items[0].id}/pin`, { as })).body.pinned).toBe(false)
    expect(await seqs('?pinned=true', 5)).toEqual([[2]])
    for (const query of [
      'limit=0',
      'limit=101',
      'before=-1',
      'after=x',
      'cursor=x',
      'pinned=maybe',
      'limit=1&limit=2',
    ]) {
      expect((await world().ask('GET', `${path}?${query}`, { as })).body.code).toBe('invalid')
    }
  })

  test('[REST-04] a message sent over REST is one like another; its Idempotency-Key is its clientId', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann] = people as any[]
    const room = await roomOf(sockets)
    const path = `/api/v1/chat-rooms/${room.id}/messages`
    const send = (body: object, key?: string, instance = 0) =>
      world().ask('POST', path, { as: ann, body, instance, ...(key && { headers: { 'Idempotency-Key': key } }) })
    const plain = await send({ content: 'plain' })
    expect(plain.status).toBe(201)
    expect(await sockets[1]!.next('room:message')).toEqual({ ...plain.body, prevRev: 1 })
    expect((await send({ content: 'plain' })).body.id).not.toBe(plain.body.id)
    const key = fresh()
    const keyed = await Promise.all([0, 1, 0, 1].map((instance) => send({ content: 'keyed' }, key, instance)))
    expect(new Set(keyed.map(({ body }) => body.id)).size).toBe(1)
    expect(keyed[0]!.body.clientId).toBe(key)
    expect((await send({ content: 'keyed', clientId: key })).body.id).toBe(keyed[0]!.body.id)
    expect((await send({ content: 'other' }, key)).body).toMatchObject({ status: 409, code: 'conflict' })
    expect((await sockets[0]!.emit('room:send', { roomId: room.id, clientId: key, content: 'keyed' })).id).toBe(
      keyed[0]!.body.id,
    )
    expect((await send({ content: 'x' }, 'k'.repeat(65))).body.code).toBe('invalid')
    for (const body of [{}, { content: '' }, { content: 'x', type: 'system' }, { content: 'x'.repeat(8_001) }]) {
      expect((await send(body)).body.code).toBe('invalid')
    }
  })

  test('[REST-05] a message is shown, edited, reacted to and deleted at its place alone', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben', 'Cleo')
    const [ann, ben, cleo] = people as any[]
    const members = sockets.slice(0, 2) as [TestSocket, TestSocket]
    const room = await roomOf(members)
    const other = await roomOf(members)
    const message = await say(members[0], room)
    const path = `/api/v1/chat-rooms/${room.id}/messages/${message.id}`
    const wrong = `/api/v1/chat-rooms/${other.id}/messages/${message.id}`
    expect((await world().ask('GET', path, { as: ben })).body).toEqual(message)
    const emoji = encodeURIComponent('🎸')
    for (const [method, at, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { content: 'x' }],
      ['DELETE', '', undefined],
      ['PUT', `/reactions/${emoji}`, undefined],
      ['PUT', '/pin', undefined],
    ] as const) {
      expect((await world().ask(method, wrong + at, { as: ann, body })).body.code).toBe('not_found')
      expect((await world().ask(method, path + at, { as: cleo, body })).body.code).toBe('not_found')
    }
    expect((await world().ask('PATCH', path, { as: ben, body: { content: 'x' } })).body.code).toBe('forbidden')
    const edited = await world().ask('PATCH', path, { as: ann, body: { content: 'edited' } })
    expect(await members[1].next('room:message:edited')).toEqual({ ...edited.body, prevRev: message.rev })
    for (const _ of [1, 2]) {
      const { body } = await world().ask('PUT', `${path}/reactions/${emoji}`, { as: ben })
      expect(body).toMatchObject({ rev: edited.body.rev + 1, reactions: [{ emoji: '🎸', userIds: [ben.id] }] })
    }
    expect((await world().ask('DELETE', `${path}/reactions/${emoji}`, { as: ben })).body.reactions).toEqual([])
    expect((await world().ask('PUT', `${path}/reactions/a%20b`, { as: ben })).body.code).toBe('invalid')
    const deleted = await world().ask('DELETE', path, { as: ann })
    expect(deleted.body).toMatchObject({ id: message.id, content: '' })
    expect((await world().ask('PATCH', path, { as: ann, body: { content: 'x' } })).body).toMatchObject({
      status: 410,
      code: 'gone',
    })
  })

  test('[REST-06] direct messages and conversations over REST are those of the sockets', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben', 'Cleo')
    const [ann, ben, cleo] = people as any[]
    const key = fresh()
    const send = () =>
      world().ask('POST', '/api/v1/messages', {
        as: ann,
        body: { userId: ben.id, content: 'hello' },
        headers: { 'Idempotency-Key': key },
      })
    const [sent, again] = [await send(), await send()]
    expect(sent.status).toBe(201)
    expect(again.body).toEqual(sent.body)
    expect(await sockets[1]!.next('dm:message')).toEqual({ ...sent.body, prevRev: 0 })
    for (let index = 0; index < 4; index++) await tell(sockets[1]!, ann)
    const history = await pages(world(), `/api/v1/messages?userId=${ben.id}`, { as: ann, instance: 1 }, 2)
    expect(history.map((page) => page.map(({ seq }) => seq))).toEqual([[4, 5], [2, 3], [1]])
    const path = `/api/v1/messages/${sent.body.id}`
    expect((await world().ask('GET', path, { as: ben })).body).toEqual(sent.body)
    expect((await world().ask('GET', path, { as: cleo })).body.code).toBe('not_found')
    expect((await world().ask('PATCH', path, { as: ann, body: { content: 'edited' } })).body.content).toBe('edited')
    expect((await world().ask('PATCH', path, { as: ben, body: { content: 'x' } })).body.code).toBe('forbidden')
    const reaction = `${path}/reactions/${encodeURIComponent('❤️')}`
    expect((await world().ask('PUT', reaction, { as: ben })).body.reactions).toHaveLength(1)
    expect((await world().ask('DELETE', reaction, { as: ben })).body.reactions).toEqual([])
    expect((await world().ask('DELETE', path, { as: ann })).body).toMatchObject({ content: '', seq: 1 })
    await tell(sockets[2]!, ann)
    const listed = await pages(world(), '/api/v1/conversations', { as: ann }, 1)
    expect(listed.flat().map(({ userId }) => userId)).toEqual([cleo.id, ben.id])
    expect(listed[1]![0]).toMatchObject({ unread: 4, readSeq: 0, lastMessage: { seq: 5 } })
    expect((await world().ask('GET', '/api/v1/conversations?cursor=x', { as: ann })).body.code).toBe('invalid')
    expect((await world().ask('GET', '/api/v1/messages', { as: ann })).body.code).toBe('invalid')
    expect((await world().ask('GET', `/api/v1/messages?userId=${nowhere}`, { as: ann })).body.code).toBe('not_found')
  })

  test('[REST-07] blocks come in pages; bots need the scope that the event needs, and none to block', async () => {
    const { people, sockets } = await cast(world(), 'Ann', 'Ben')
    const [ann, ben] = people as any[]
    const others = await world().users('One', 'Two', 'Three')
    for (const { id } of others) await world().ask('PUT', `/api/v1/blocks/${id}`, { as: ann })
    const blocked = await pages(world(), '/api/v1/blocks', { as: ann }, 2)
    expect(blocked.flat().map(({ userId }) => userId)).toEqual(others.map(({ id }) => id).sort())
    const room = await roomOf(sockets)
    const bot = await world().bot(ann, ['rooms:read'])
    await sockets[0]!.emit('room:invite', { roomId: room.id, userIds: [bot.id] })
    const status = async (method: string, path: string, body?: object) =>
      (await world().ask(method, path, { as: bot, body })).status
    expect(await status('GET', `/api/v1/chat-rooms/${room.id}/messages`)).toBe(200)
    expect(await status('GET', '/api/v1/chat-rooms')).toBe(200)
    expect(await status('POST', `/api/v1/chat-rooms/${room.id}/messages`, { content: 'x' })).toBe(403)
    expect(await status('POST', '/api/v1/messages', { userId: ben.id, content: 'x' })).toBe(403)
    expect(await status('GET', '/api/v1/conversations')).toBe(403)
    expect(await status('PUT', `/api/v1/blocks/${ben.id}`)).toBe(403)
  })
})
