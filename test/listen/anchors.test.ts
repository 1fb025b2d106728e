import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestSocket } from '../support/socket.ts'
import { expectModel, expectPage } from '../support/wire.ts'
import { createWorld, type World } from '../support/world.ts'
import { cast, fresh, roomOf, say } from '../support/worlds.ts'
import { track } from './tracks.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ instances: 2 })
})
afterAll(() => world?.close())

test('[LISTEN-20] a message carries a moment of a recording, in the event, history and REST; others carry none', async () => {
  const { people, sockets } = await cast(world, 'Ann', 'Ben')
  const [ann, ben] = sockets as [TestSocket, TestSocket]
  const room = await roomOf(sockets)
  const file = await track(world, people[0]!, { seconds: 12.5 })
  const anchor = { audioFileId: file.id, startMs: 1_000, endMs: 12_500 }
  const sent = expectModel('ChatMessage', await say(ann, room, 'the break', { anchor }))
  expect(sent.anchor).toEqual(anchor)
  expect((await ben.next('room:message', ({ id }) => id === sent.id)).anchor).toEqual(anchor)
  const plain = await say(ben, room)
  expect(plain).not.toHaveProperty('anchor')
  const path = `/api/v1/chat-rooms/${room.id}/messages`
  const posted = await world.ask('POST', path, {
    as: people[1]!,
    body: { content: 'here', anchor: { audioFileId: file.id, startMs: 0 } },
    instance: 1,
  })
  expect(posted.status).toBe(201)
  expect(expectModel('ChatMessage', posted.body).anchor).toEqual({ audioFileId: file.id, startMs: 0 })
  const { messages } = await ben.emit('room:history', { roomId: room.id })
  expect(messages.map(({ anchor }: any) => anchor?.startMs)).toEqual([1_000, undefined, 0])
  // An edit keeps it, a deletion takes it away.
  const edited = await ann.emit('room:edit', { messageId: sent.id, content: 'the best break' })
  expect(edited.anchor).toEqual(anchor)
  expect((await world.ask('GET', `${path}/${sent.id}`, { as: people[1]! })).body.anchor).toEqual(anchor)
  const deleted = await ann.emit('room:delete', { messageId: sent.id })
  expect(deleted).not.toHaveProperty('anchor')
  expect((await ben.next('room:message:deleted')).anchor).toBeUndefined()
  expect((await world.ask('GET', `${path}/${sent.id}`, { as: people[1]! })).body).not.toHaveProperty('anchor')
})

test('[LISTEN-21] an anchor is a moment that is there, of a recording that the sender may see', async () => {
  const { people, sockets } = await cast(world, 'Ann', 'Ben')
  const [ann, ben] = sockets as [TestSocket, TestSocket]
  const room = await roomOf(sockets)
  const file = await track(world, people[0]!, { seconds: 12.5 })
  const hidden = await track(world, people[0]!, { visibility: 'private', seconds: 12.5 })
  const code = (anchor: object, socket = ben) =>
    socket.codeOf('room:send', { roomId: room.id, clientId: fresh(), content: 'x', anchor })
  const { id: audioFileId } = file
  expect(await code({ audioFileId: hidden.id, startMs: 0 })).toBe('not_found')
  expect(await code({ audioFileId: room.id, startMs: 0 })).toBe('not_found')
  for (const wrong of [
    { audioFileId },
    { audioFileId, startMs: -1 },
    { audioFileId, startMs: 1.5 },
    { audioFileId, startMs: 12_501 },
    { audioFileId, startMs: 5, endMs: 5 },
    { audioFileId, startMs: 5, endMs: 4 },
    { audioFileId, startMs: 5, endMs: 12_501 },
    { audioFileId: 'x', startMs: 5 },
  ]) {
    expect(await code(wrong), JSON.stringify(wrong)).toBe('invalid')
  }
  expect(await code({ audioFileId: hidden.id, startMs: 0 }, ann)).toBe('ok')
  const rest = await world.ask('POST', `/api/v1/chat-rooms/${room.id}/messages`, {
    as: people[1]!,
    body: { content: 'x', anchor: { audioFileId, startMs: 5, endMs: 99_999 } },
  })
  expect([rest.status, rest.body.errors]).toEqual([
    422,
    [{ path: 'anchor.endMs', message: 'is past the end of the recording' }],
  ])
})

test('[LISTEN-22] sent again it is the same message, with another anchor a conflict, also when the recording is gone', async () => {
  const { people, sockets } = await cast(world, 'Ann', 'Ben')
  const [ann] = sockets as [TestSocket]
  const room = await roomOf(sockets)
  const file = await track(world, people[0]!, { seconds: 12.5 })
  const send = { roomId: room.id, clientId: fresh(), content: 'x', anchor: { audioFileId: file.id, startMs: 7 } }
  const sent = await ann.emit('room:send', send)
  expect((await ann.emit('room:send', send)).id).toBe(sent.id)
  expect(await ann.codeOf('room:send', { ...send, anchor: { ...send.anchor, startMs: 8 } })).toBe('conflict')
  expect(await ann.codeOf('room:send', { ...send, anchor: undefined })).toBe('conflict')
  expect((await world.ask('DELETE', `/api/v1/audio-files/${file.id}`, { as: people[0]! })).status).toBe(204)
  expect(await ann.emit('room:send', send)).toMatchObject({ id: sent.id, anchor: send.anchor })
  expect(await ann.codeOf('room:send', { ...send, clientId: fresh() })).toBe('not_found')
})

test('[LISTEN-23] what was said about a recording is listed, from one’s own rooms alone', async () => {
  const { people, sockets } = await cast(world, 'Ann', 'Ben', 'Cleo')
  const [ann, ben, cleo] = sockets as [TestSocket, TestSocket, TestSocket]
  const [one, other] = [await roomOf([ann, ben]), await roomOf([ann, cleo])]
  const file = await track(world, people[0]!, { seconds: 12.5 })
  const at = (startMs: number) => ({ anchor: { audioFileId: file.id, startMs } })
  const first = await say(ann, one, 'one', at(1))
  const second = await say(cleo, other, 'two', at(2))
  const third = await say(ben, one, 'three', at(3))
  await ann.emit('room:delete', { messageId: (await say(ann, one, 'four', at(4))).id })
  const path = `/api/v1/audio-files/${file.id}/anchors`
  const listed = async (person: number, query = '') => {
    const { status, body } = await world.ask('GET', `${path}${query}`, { as: people[person]!, instance: 1 })
    expect(status).toBe(200)
    return expectPage('ChatMessage', body)
  }
  expect((await listed(0)).map(({ id }) => id)).toEqual([third.id, second.id, first.id])
  expect((await listed(1)).map(({ id }) => id)).toEqual([third.id, first.id])
  expect((await listed(2)).map(({ id }) => id)).toEqual([second.id])
  const { body: page } = await world.ask('GET', `${path}?limit=2`, { as: people[0]! })
  expect(page.items).toHaveLength(2)
  expect((await listed(0, `?limit=2&cursor=${page.nextCursor}`)).map(({ id }) => id)).toEqual([first.id])
  await world.ask('PATCH', `/api/v1/audio-files/${file.id}`, { as: people[0]!, body: { visibility: 'private' } })
  expect((await world.ask('GET', path, { as: people[1]! })).status).toBe(404)
  expect((await listed(0)).length).toBe(3)
})
