import { SvelteMap } from 'svelte/reactivity'
import { type Change, isSending, type LogKey, messageOf, refOf } from '../../../client/changes.ts'
import type { PhantomClient } from '../../../client/client.ts'
import type { ChatRoom, Message, Notification, Ready } from '../../../client/protocol.ts'
import { api, type Page, pagesOf } from '../api.ts'
import { session } from '../session.svelte.ts'
import { Timeline } from './timeline.svelte.ts'

/** A room of one's own, as lists show it. */
export interface RoomEntry {
  id: string
  name: string
  topic: string
  visibility: 'public' | 'private'
  seq: number
  readSeq: number
  unread: number
  mentions: number
}

/** A conversation with another person. */
export interface ConversationEntry {
  userId: string
  seq: number
  readSeq: number
  unread: number
  lastMessage: Message | null
}

/** Logs of which the messages are kept, so that going back to one is at once. */
const keptTimelines = 8
const readDelayMs = 250

/** The rooms and conversations of the user, and what is loaded of them. */
class Talk {
  rooms = new SvelteMap<string, RoomEntry>()
  conversations = new SvelteMap<string, ConversationEntry>()
  isReady = $state(false)
  muted = $state.raw<ReadonlySet<string>>(new Set())
  /** The log that is looked at. */
  open = $state<LogKey | null>(null)
  /** Changes with the members of a room: `roomId` of the last change, and a number that grows. */
  memberChange = $state.raw<{ roomId: string; count: number }>({ roomId: '', count: 0 })
  #timelines = new Map<LogKey, Timeline>()
  #readTimers = new Map<LogKey, ReturnType<typeof setTimeout>>()
  #readTo = new Map<LogKey, number>()

  roomList = $derived([...this.rooms.values()].sort((a, b) => a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1)))
  conversationList = $derived(
    [...this.conversations.values()].sort(
      (a, b) => lastAt(b).localeCompare(lastAt(a)) || (a.userId < b.userId ? -1 : 1),
    ),
  )
  roomUnread = $derived(this.roomList.reduce((sum, room) => sum + (this.muted.has(room.id) ? 0 : room.mentions), 0))
  hasRoomNews = $derived(this.roomList.some((room) => room.unread > 0 && !this.muted.has(room.id)))
  directUnread = $derived(this.conversationList.reduce((sum, each) => sum + each.unread, 0))

  /** What is loaded of a log. */
  timeline(log: LogKey): Timeline {
    const known = this.#timelines.get(log)
    // The latest last, for the oldest is forgotten first.
    this.#timelines.delete(log)
    const timeline = known ?? new Timeline(log)
    this.#timelines.set(log, timeline)
    for (const old of this.#timelines.keys()) {
      if (this.#timelines.size <= keptTimelines) break
      this.#timelines.delete(old)
    }
    return timeline
  }

  loaded(log: LogKey): Timeline | undefined {
    return this.#timelines.get(log)
  }

  /** The connection is back. */
  resume(): void {
    for (const timeline of this.#timelines.values()) timeline.resume()
  }

  place(log: LogKey): RoomEntry | ConversationEntry | undefined {
    const { roomId, userId } = refOf(log)
    return roomId !== undefined ? this.rooms.get(roomId) : this.conversations.get(userId!)
  }

  /** Says that one has read up to `seq`; told to the server after a moment, the last of several. */
  read(log: LogKey, seq: number): void {
    const place = this.place(log)
    if (!place || seq <= place.readSeq) return
    this.#readTo.set(log, Math.max(seq, this.#readTo.get(log) ?? 0))
    if (this.#readTimers.has(log)) return
    this.#readTimers.set(
      log,
      setTimeout(() => void this.#tellRead(log), readDelayMs),
    )
  }

  async #tellRead(log: LogKey): Promise<void> {
    this.#readTimers.delete(log)
    const seq = this.#readTo.get(log) ?? 0
    this.#readTo.delete(log)
    const { roomId, userId } = refOf(log)
    if (session.status !== 'in') return
    try {
      const { client } = session
      const { readSeq, unread } =
        roomId !== undefined
          ? await client.request('room:read', { roomId, seq })
          : await client.request('dm:read', { userId: userId!, seq })
      this.marked(log, readSeq, unread)
    } catch (error) {
      // Reading on says it again.
      console.debug('A reading mark was not stored', error)
    }
  }

  /** One's own mark stands at `readSeq`. */
  marked(log: LogKey, readSeq: number, unread?: number): void {
    const place = this.place(log)
    if (!place || readSeq < place.readSeq) return
    const left = readSeq >= place.seq ? 0 : (unread ?? Math.min(place.unread, place.seq - readSeq))
    if ('name' in place) {
      this.rooms.set(place.id, { ...place, readSeq, unread: left, mentions: left === 0 ? 0 : place.mentions })
    } else {
      this.conversations.set(place.userId, { ...place, readSeq, unread: left })
    }
  }

  /** Takes a room that one is in, from an answer or an event. */
  enter(room: ChatRoom): void {
    const known = this.rooms.get(room.id)
    this.rooms.set(room.id, {
      id: room.id,
      name: room.name,
      topic: room.topic ?? '',
      visibility: room.visibility ?? 'private',
      seq: Math.max(room.seq ?? 0, known?.seq ?? 0),
      readSeq: known?.readSeq ?? room.seq ?? 0,
      unread: known?.unread ?? 0,
      mentions: known?.mentions ?? 0,
    })
  }

  leave(roomId: string): void {
    this.rooms.delete(roomId)
    this.#timelines.delete(`room:${roomId}`)
  }

  welcome(ready: Ready): void {
    const roomIds = new Set(ready.rooms.map(({ id }) => id))
    for (const id of this.rooms.keys()) if (!roomIds.has(id)) this.leave(id)
    for (const { id, name, readSeq, unread, seq = 0 } of ready.rooms) {
      const known = this.rooms.get(id)
      const { topic = '', visibility = 'private' } = known ?? {}
      const mentions = unread === 0 ? 0 : Math.min(known?.mentions ?? 0, unread)
      this.rooms.set(id, { id, name, topic, visibility, seq, readSeq, unread, mentions })
    }
    const peers = new Set(ready.conversations.map(({ userId }) => userId))
    for (const userId of this.conversations.keys()) if (!peers.has(userId)) this.conversations.delete(userId)
    for (const { userId, readSeq, unread, seq = 0 } of ready.conversations) {
      const lastMessage = this.conversations.get(userId)?.lastMessage ?? null
      this.conversations.set(userId, { userId, seq, readSeq, unread, lastMessage })
    }
    this.isReady = true
  }

  /** Takes what `ready` does not tell: topics, last messages, mentions, what is muted. */
  async complete(): Promise<void> {
    await Promise.all([this.#readRooms(), this.#readConversations(), this.#readMentions(), this.#readMuted()])
  }

  take(change: Change): void {
    this.loaded(change.log)?.take(change)
    if (change.event === 'room:member') this.#takeMember(change.payload)
    if (change.event === 'room:updated') {
      const { roomId, name, topic, visibility } = change.payload
      const room = this.rooms.get(roomId)
      if (room) {
        const next = { name: name ?? room.name, topic: topic ?? room.topic, visibility: visibility ?? room.visibility }
        this.rooms.set(roomId, { ...room, ...next })
        this.#tellMembers(roomId)
      }
    }
    const message = messageOf(change)
    if (!message) return
    const { roomId, userId } = refOf(change.log)
    const isNew = isSending(change) && message.senderId !== session.userId
    if (roomId !== undefined) {
      const room = this.rooms.get(roomId)
      if (!room) return
      const isUnread = isNew && message.seq > room.readSeq && message.seq > room.seq
      const mentions = 'mentions' in message ? message.mentions : []
      this.rooms.set(roomId, {
        ...room,
        seq: Math.max(room.seq, message.seq),
        unread: room.unread + (isUnread ? 1 : 0),
        mentions: room.mentions + (isUnread && mentions.includes(session.userId) ? 1 : 0),
      })
    } else {
      const known = this.conversations.get(userId!)
      const place = known ?? { userId: userId!, seq: 0, readSeq: 0, unread: 0, lastMessage: null }
      const isUnread = isNew && message.seq > place.readSeq && message.seq > place.seq
      const isLast = message.seq >= (place.lastMessage?.seq ?? 0)
      this.conversations.set(userId!, {
        ...place,
        seq: Math.max(place.seq, message.seq),
        unread: place.unread + (isUnread ? 1 : 0),
        lastMessage: isLast ? (message as Message) : place.lastMessage,
      })
    }
  }

  clear(): void {
    for (const timer of this.#readTimers.values()) clearTimeout(timer)
    this.#readTimers.clear()
    this.#readTo.clear()
    this.#timelines.clear()
    this.rooms.clear()
    this.conversations.clear()
    this.muted = new Set()
    this.isReady = false
    this.open = null
  }

  #takeMember({ roomId, userId, change }: { roomId: string; userId: string; change: string }): void {
    if (userId === session.userId && (change === 'left' || change === 'removed')) this.leave(roomId)
    this.#tellMembers(roomId)
  }

  #tellMembers(roomId: string): void {
    this.memberChange = { roomId, count: this.memberChange.count + 1 }
  }

  async #readRooms(): Promise<void> {
    // A person is in at most a thousand rooms.
    for await (const { items } of pagesOf<Page<ChatRoom>>('/chat-rooms', 10)) {
      for (const room of items) if (this.rooms.has(room.id)) this.enter(room)
    }
  }

  async #readConversations(): Promise<void> {
    const { items } = await api<Page<ConversationEntry>>('GET', '/conversations?limit=100')
    for (const { userId, lastMessage } of items) {
      const known = this.conversations.get(userId)
      if (known && lastMessage && lastMessage.seq >= (known.lastMessage?.seq ?? 0)) {
        this.conversations.set(userId, { ...known, lastMessage })
      }
    }
  }

  async #readMentions(): Promise<void> {
    const { items } = await api<Page<Notification>>('GET', '/notifications?unread=true&limit=100')
    const counts = new Map<string, number>()
    for (const { payload = {} } of items) {
      const roomId = payload['roomId']
      if (payload['mention'] && typeof roomId === 'string') counts.set(roomId, (counts.get(roomId) ?? 0) + 1)
    }
    for (const [roomId, mentions] of counts) {
      const room = this.rooms.get(roomId)
      if (room && room.unread > 0) this.rooms.set(roomId, { ...room, mentions: Math.max(room.mentions, mentions) })
    }
  }

  async #readMuted(): Promise<void> {
    const { mutedRoomIds } = await api<{ mutedRoomIds: string[] }>('GET', '/notifications/preferences')
    this.muted = new Set(mutedRoomIds)
  }

  /** Mutes a room, or gives it its voice back. */
  async mute(roomId: string, on: boolean): Promise<void> {
    const { mutedRoomIds: now } = await api<{ mutedRoomIds: string[] }>('GET', '/notifications/preferences')
    const wanted = on ? [...new Set([...now, roomId])] : now.filter((id) => id !== roomId)
    const { mutedRoomIds } = await api<{ mutedRoomIds: string[] }>('PUT', '/notifications/preferences', {
      mutedRoomIds: wanted,
    })
    this.muted = new Set(mutedRoomIds)
  }
}

const lastAt = ({ lastMessage }: ConversationEntry): string => lastMessage?.sentAt ?? ''

export const talk = new Talk()

/** Brings the events of a connection to the stores. */
function follow(client: PhantomClient, me: string): () => void {
  const ends = [
    client.on('ready', (ready) => {
      talk.welcome(ready)
      talk.resume()
      talk.complete().catch((error) => console.debug('Details of the rooms could not be read', error))
    }),
    client.on('change', (change) => talk.take(change)),
    client.on('room:joined', (room) => talk.enter(room)),
    client.on('room:left', ({ roomId }) => talk.leave(roomId)),
    client.on('log:dropped', ({ log }) => {
      const { roomId } = refOf(log)
      if (roomId !== undefined) talk.leave(roomId)
    }),
    client.on('room:read', ({ roomId, userId, seq }) => {
      if (userId === me) talk.marked(`room:${roomId}`, seq)
      else talk.loaded(`room:${roomId}`)?.mark(userId, seq)
    }),
    client.on('dm:read', ({ userId, peerId, seq }) => {
      if (userId === me && peerId) talk.marked(`dm:${peerId}`, seq)
      else if (userId !== me) talk.loaded(`dm:${userId}`)?.mark(userId, seq)
    }),
    client.on('room:typing', ({ roomId, userId, on }) => {
      if (userId !== me) talk.loaded(`room:${roomId}`)?.typing(userId, on)
    }),
    client.on('dm:typing', ({ userId, on }) => {
      if (userId !== me) talk.loaded(`dm:${userId}`)?.typing(userId, on)
    }),
  ]
  return () => {
    for (const end of ends) end()
    talk.clear()
  }
}

session.with(follow)
