/**
 * The stock way to write a chat over several instances: Socket.IO with the Redis adapter, a counter raised by $inc,
 * `create`, then emit. No repair, no idempotence, no catching up: what the fault run is compared with, and what shows
 * that its checker bites. It speaks the contract's event names, as far as the run uses them.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createAdapter } from '@socket.io/redis-adapter'
import { Redis } from 'ioredis'
import jwt from 'jsonwebtoken'
import mongoose, { Schema } from 'mongoose'
import { Server, type Socket } from 'socket.io'
import { ulid } from 'ulidx'
import { dmLog, roomLog } from './history.ts'

const secret = process.env['JWT_SECRET'] ?? 'naive'
const text = { type: String }
const User = mongoose.model('User', new Schema({ _id: text, email: text }))
const Room = mongoose.model('Room', new Schema({ _id: text, name: text, ownerId: text, memberIds: [text] }))
const Counter = mongoose.model('Counter', new Schema({ _id: text, rev: Number, seq: Number }))
const Message = mongoose.model(
  'Message',
  new Schema({
    ...{ _id: text, log: { ...text, index: true }, chatRoomId: text, senderId: text, receiverId: text, clientId: text },
    ...{ content: text, seq: Number, rev: Number, sentAt: Date, deletedAt: Date, pinned: Boolean },
    reactions: [{ _id: false, emoji: text, userIds: [text] }],
  }),
)

const wire = (message: any): any => {
  const { _id, __v, log, ...fields } = message.toObject ? message.toObject() : message
  return { id: _id, type: 'text', ...fields }
}

async function count(log: string, isMessage: boolean): Promise<{ rev: number; seq: number }> {
  const update = { $inc: { rev: 1, seq: isMessage ? 1 : 0 } }
  const counter = await Counter.findByIdAndUpdate(log, update, { upsert: true, returnDocument: 'after' })
  return { rev: counter!.rev!, seq: counter!.seq! }
}

class Refusal extends Error {
  readonly code: string
  constructor(code: string) {
    super(code)
    this.code = code
  }
}

async function serve(): Promise<void> {
  const server = createServer((request, response) => void answer(request, response))
  const io = new Server(server, { transports: ['websocket'] })
  const publisher = new Redis(process.env['REDIS_URL'] ?? '')
  const subscriber = publisher.duplicate()
  for (const redis of [publisher, subscriber]) redis.on('error', (error) => console.warn('redis', error.message))
  io.adapter(createAdapter(publisher, subscriber))

  const emit = (log: string, event: string, payload: object): void => {
    io.to(log).emit(event, payload)
  }

  async function send(userId: string, log: string, event: string, fields: object): Promise<object> {
    const { rev, seq } = await count(log, true)
    const message = await Message.create({
      _id: ulid(),
      log,
      senderId: userId,
      ...fields,
      rev,
      seq,
      sentAt: new Date(),
    })
    emit(log, event, wire(message))
    return wire(message)
  }

  async function update(messageId: string, event: string, change: object): Promise<object> {
    const found = await Message.findById(messageId)
    if (!found) throw new Refusal('not_found')
    const { rev } = await count(found.log!, false)
    const message = await Message.findByIdAndUpdate(messageId, { ...change, rev }, { returnDocument: 'after' })
    emit(found.log!, (found.chatRoomId ? 'room:message:' : 'dm:message:') + event, wire(message))
    return wire(message)
  }

  async function change(roomId: string, userId: string, kind: 'joined' | 'left' | 'removed'): Promise<object> {
    const operator = kind === 'joined' ? '$addToSet' : '$pull'
    const room = await Room.findByIdAndUpdate(
      roomId,
      { [operator]: { memberIds: userId } },
      { returnDocument: 'after' },
    )
    if (!room) throw new Refusal('not_found')
    const { rev } = await count(roomLog(roomId), false)
    const log = roomLog(roomId)
    if (kind === 'joined') io.in(userId).socketsJoin(log)
    emit(log, 'room:member', { roomId, rev, userId, change: kind })
    io.to(userId).emit(kind === 'joined' ? 'room:joined' : 'room:left', { roomId, rev })
    if (kind !== 'joined') io.in(userId).socketsLeave(log)
    return { id: roomId, name: room.name, memberIds: room.memberIds }
  }

  const handlers: Record<string, (userId: string, payload: any) => Promise<object>> = {
    async 'room:create'(userId, { name, memberIds = [] }) {
      const room = await Room.create({ _id: ulid(), name, ownerId: userId, memberIds: [userId, ...memberIds] })
      for (const id of room.memberIds) io.in(id!).socketsJoin(roomLog(room._id!))
      return { id: room._id, name }
    },
    async 'room:send'(userId, { roomId, clientId, content }) {
      if (!(await Room.exists({ _id: roomId, memberIds: userId }))) throw new Refusal('not_found')
      return send(userId, roomLog(roomId), 'room:message', { chatRoomId: roomId, clientId, content })
    },
    async 'dm:send'(userId, { userId: receiverId, clientId, content }) {
      const log = dmLog(userId, receiverId)
      for (const id of [userId, receiverId]) io.in(id).socketsJoin(log)
      return send(userId, log, 'dm:message', { receiverId, clientId, content })
    },
    'room:edit': (_, { messageId, content }) => update(messageId, 'edited', { content }),
    'dm:edit': (_, { messageId, content }) => update(messageId, 'edited', { content }),
    'room:delete': (_, { messageId }) => update(messageId, 'deleted', { content: '', deletedAt: new Date() }),
    'dm:delete': (_, { messageId }) => update(messageId, 'deleted', { content: '', deletedAt: new Date() }),
    'room:react': (userId, { messageId, emoji }) =>
      update(messageId, 'reacted', { $push: { reactions: { emoji, userIds: [userId] } } }),
    'room:pin': (_, { messageId, on }) => update(messageId, 'pinned', { pinned: on }),
    async 'room:invite'(_, { roomId, userIds }) {
      return change(roomId, userIds[0], 'joined')
    },
    'room:join': (userId, { roomId }) => change(roomId, userId, 'joined'),
    'room:leave': (userId, { roomId }) => change(roomId, userId, 'left'),
    'room:remove': (_, { roomId, userId }) => change(roomId, userId, 'removed'),
    'room:read': async () => ({ readSeq: 0, unread: 0 }),
    'room:history': (_, payload) => readPage(roomLog(payload.roomId), payload),
    'dm:history': (userId, payload) => readPage(dmLog(userId, payload.userId), payload),
    async 'log:sync'() {
      throw new Refusal('invalid')
    },
  }

  io.use((socket, next) => {
    try {
      socket.data.userId = jwt.verify(socket.handshake.auth['token'], secret).sub
      next()
    } catch {
      next(Object.assign(new Error('unauthenticated'), { data: { code: 'unauthenticated' } }))
    }
  })
  io.on('connection', (socket) => void welcome(socket))

  async function welcome(socket: Socket): Promise<void> {
    const userId: string = socket.data.userId
    for (const [event, handle] of Object.entries(handlers))
      socket.on(event, async (payload, ack) => {
        try {
          ack?.({ ok: true, data: await handle(userId, payload) })
        } catch (error) {
          const code = error instanceof Refusal ? error.code : 'unavailable'
          ack?.({ ok: false, error: { code, message: String(error) } })
        }
      })
    try {
      const rooms = await Room.find({ memberIds: userId })
      const talks = await Message.distinct('log', {
        $or: [{ senderId: userId }, { receiverId: userId }],
        receiverId: { $exists: true },
      })
      await socket.join([userId, ...rooms.map((room) => roomLog(room._id!)), ...(talks as string[])])
      const counters = await Counter.find({ _id: { $in: rooms.map((room) => roomLog(room._id!)) } })
      const revs = new Map(counters.map((counter) => [counter._id, counter.rev]))
      const listed = rooms.map((room) => ({ id: room._id, name: room.name, rev: revs.get(roomLog(room._id!)) ?? 0 }))
      socket.emit('ready', { userId, rooms: listed, conversations: [] })
    } catch (error) {
      console.warn('welcome', error)
      socket.disconnect(true)
    }
  }

  await mongoose.connect(process.env['MONGODB_URI'] ?? '', { serverSelectionTimeoutMS: 5000 })
  server.listen(Number(process.env['PORT']), '127.0.0.1')
}

async function readPage(log: string, { after = 0, limit = 50 }: { after?: number; limit?: number }): Promise<object> {
  const found = await Message.find({ log, seq: { $gt: after } })
    .sort({ seq: 1 })
    .limit(limit + 1)
  return { messages: found.slice(0, limit).map(wire), more: found.length > limit }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const reply = (status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  if (request.url === '/readyz') return reply(mongoose.connection.readyState === 1 ? 200 : 503, {})
  if (!request.url?.startsWith('/api/v1/auth/')) return reply(404, { code: 'not_found' })
  let body = ''
  for await (const chunk of request) body += chunk
  const { email } = JSON.parse(body)
  try {
    const user = (await User.findOne({ email })) ?? (await User.create({ _id: ulid(), email }))
    reply(201, { user: { id: user._id }, accessToken: jwt.sign({}, secret, { subject: user._id!, expiresIn: '15m' }) })
  } catch (error) {
    reply(503, { code: 'unavailable', detail: String(error) })
  }
}

process.on('unhandledRejection', (error) => console.warn('unhandled', error))
await serve()
