import { expect, test } from 'vitest'
import { type Change, toChange } from '../../src/client/changes.ts'
import { LogFollower, type SyncPayload } from '../../src/client/log-follower.ts'
import type { Ready } from '../../src/client/protocol.ts'

const ready = (fields: Partial<Ready>): Ready => ({
  userId: 'me',
  sessionId: 's',
  serverTime: '2026-01-01T00:00:00.000Z',
  rooms: [],
  conversations: [],
  unreadNotifications: 0,
  ...fields,
})

const direct = (senderId: string, receiverId: string, rev: number, prevRev?: number) => ({
  ...{ id: `${senderId}${rev}`, senderId, receiverId, content: '', sentAt: '2026-02-01T00:00:00.000Z' },
  ...{ seq: rev, rev, prevRev },
})

function follow(answer: (payload: SyncPayload) => any = () => ({ logs: [] })) {
  const asked: SyncPayload[] = []
  const changes: Change[] = []
  const follower = new LogFollower(
    async (payload) => {
      asked.push(payload)
      return answer(payload)
    },
    { baseMs: 1, maxMs: 1 },
  )
  follower.events.on('change', (change) => changes.push(change))
  return { follower, asked, changes }
}

const settled = async (follower: LogFollower) => {
  while (follower.syncing) await new Promise((resolve) => setTimeout(resolve, 1))
}

test('[CLIENT-34] a direct message belongs to the conversation with the other side, whichever sent it', () => {
  expect(toChange('dm:message', direct('ann', 'me', 1), 'me')?.log).toBe('dm:ann')
  expect(toChange('dm:message', direct('me', 'ann', 1), 'me')?.log).toBe('dm:ann')
  expect(toChange('dm:message', direct('me', 'me', 1), 'me')?.log).toBe('dm:me')
  expect(toChange('room:updated', { id: 'r', rev: 2 }, 'me')?.log).toBe('room:r')
  expect(toChange('room:later', { roomId: 'r', rev: 2 }, 'me')?.log).toBe('room:r')
  for (const [event, payload] of [
    ['room:joined', { id: 'r', rev: 1 }],
    ['room:read', { roomId: 'r', userId: 'u', seq: 1 }],
    ['presence', { userId: 'u', rev: 1 }],
    ['room:message', { chatRoomId: 'r', rev: '1' }],
    ['room:message', null],
  ] as const) {
    expect(toChange(event, payload, 'me')).toBe(null)
  }
})

test('[CLIENT-35] follows a conversation from its first message, seen live or begun while away', async () => {
  const { follower, asked, changes } = follow(({ logs }) => ({
    logs: logs.map((log) => ({
      ...log,
      changes: [1, 2].map((rev) => ({ event: 'dm:message', payload: direct(log.userId!, 'me', rev) })),
      rev: 2,
      more: false,
    })),
  }))
  follower.connected(ready({ conversations: [{ userId: 'old', rev: 9, readSeq: 9, unread: 0 }] }))
  follower.take('dm:message', direct('ann', 'me', 1, 0))
  expect(changes.map((change) => [change.log, change.rev])).toEqual([['dm:ann', 1]])
  follower.disconnected()
  const conversations = ['old', 'ann', 'new'].map((userId) => ({
    ...{ userId, rev: userId === 'old' ? 9 : 2 },
    ...{ readSeq: 0, unread: 0 },
  }))
  follower.connected(ready({ conversations }))
  await settled(follower)
  // What has not moved is not asked for; the new one from its beginning.
  expect(asked).toEqual([
    {
      logs: [
        { userId: 'ann', rev: 1 },
        { userId: 'new', rev: 0 },
      ],
      limit: 200,
    },
  ])
  expect(changes.slice(1).map((change) => [change.log, change.rev])).toEqual([
    ['dm:ann', 2],
    ['dm:new', 1],
    ['dm:new', 2],
  ])
})

test('[CLIENT-36] syncs many logs in few requests, and takes what came before ready', async () => {
  const { follower, asked, changes } = follow(({ logs }) => ({
    logs: logs.map((log) => ({ ...log, changes: [], rev: 5, more: false })),
  }))
  const rooms = (rev: number) =>
    Array.from({ length: 120 }, (_, i) => ({ id: `r${i}`, name: '', rev, readSeq: 0, unread: 0 }))
  follower.connected(ready({ rooms: rooms(4) }))
  expect(asked).toEqual([])
  follower.disconnected()
  follower.take('room:message', { chatRoomId: 'r0', rev: 6, prevRev: 5 })
  expect(changes).toEqual([])
  follower.connected(ready({ rooms: rooms(5) }))
  await settled(follower)
  expect(asked.map(({ logs }) => logs.length)).toEqual([50, 50, 20])
  expect(changes.map((change) => [change.log, change.rev])).toEqual([['room:r0', 6]])
})

test('[CLIENT-37] an answer that comes after its connection has ended is not taken', async () => {
  let release: (() => void) | undefined
  const { follower, changes } = follow(async ({ logs }) => {
    await new Promise<void>((resolve) => {
      release = resolve
    })
    const payload = { roomId: 'r', rev: 2 }
    return { logs: logs.map((log) => ({ ...log, changes: [{ event: 'room:member', payload }], rev: 2, more: false })) }
  })
  const room = { id: 'r', name: '', rev: 1, readSeq: 0, unread: 0 }
  follower.connected(ready({ rooms: [room] }))
  follower.take('room:member', { roomId: 'r', rev: 3, prevRev: 2 })
  follower.disconnected()
  release!()
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect(changes).toEqual([])
})
