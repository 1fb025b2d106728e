/**
 * What chat is usually built of, as the bench's yardstick: Socket.IO, and where STORE says so mongoose with one
 * `create` a message, majority and journalled, before the room hears of it.
 *   STORE=none | create | inc   inc takes the message's number by `$inc` on the room's document first
 *   REDIS_URL                   joins instances with @socket.io/redis-adapter's classic mode
 *   ADAPTER=batching            puts our own adapter under it: what that alone is worth, with nothing stored
 * It trusts `auth: {token: userId, rooms: [roomId]}`: no sessions, no membership, no limits.
 */
import { createServer } from 'node:http'
import { createAdapter } from '@socket.io/redis-adapter'
import { Redis } from 'ioredis'
import mongoose, { Schema, Types } from 'mongoose'
import { Server } from 'socket.io'

const store = process.env.STORE ?? 'none'
const durable = { w: 'majority', j: true } as const

const Message = mongoose.model(
  'Message',
  new Schema(
    {
      chatRoomId: { type: String, required: true },
      senderId: { type: String, required: true },
      clientId: { type: String, required: true },
      type: { type: String, default: 'text' },
      content: { type: String, required: true },
      replyToId: { type: String, default: null },
      seenBy: { type: [String], default: [] },
      sentAt: { type: Date, default: () => new Date() },
      updatedAt: { type: Date, default: null },
      seq: Number,
    },
    { versionKey: false, writeConcern: durable },
  ).index({ chatRoomId: 1, sentAt: 1 }),
)
const Room = mongoose.model(
  'Room',
  new Schema({ _id: String, seq: { type: Number, default: 0 } }, { versionKey: false, writeConcern: durable }),
)

interface Send {
  roomId: string
  clientId: string
  content: string
}

async function makeMessage(senderId: string, { roomId, clientId, content }: Send) {
  const sent = { chatRoomId: roomId, senderId, clientId, type: 'text', content, replyToId: null, seenBy: [] }
  if (store === 'none') return { id: new Types.ObjectId().toString(), ...sent, sentAt: new Date(), updatedAt: null }
  let seq: number | undefined
  if (store === 'inc') {
    const room = await Room.findOneAndUpdate({ _id: roomId }, { $inc: { seq: 1 } }, { upsert: true, new: true })
    seq = room.seq
  }
  const { _id, ...message } = (await Message.create({ ...sent, seq })).toObject()
  return { id: _id.toString(), ...message }
}

const http = createServer((_request, response) => response.end('ready'))
const io = new Server(http)
if (process.env.REDIS_URL) {
  const pub = new Redis(process.env.REDIS_URL)
  io.adapter(createAdapter(pub, pub.duplicate()))
}
if (process.env.ADAPTER === 'batching') {
  // By a computed path: this file is to run, as a yardstick, where our adapter is not.
  const path = '../../../src/realtime/batching-adapter.ts'
  io.adapter((await import(path)).createBatchingAdapter())
}
io.on('connection', (socket) => {
  const { token: userId, rooms } = socket.handshake.auth as { token: string; rooms: string[] }
  socket.join(rooms)
  socket.on('room:send', async (payload: Send, reply: (answer: unknown) => void) => {
    try {
      const message = await makeMessage(userId, payload)
      io.to(payload.roomId).emit('room:message', message)
      reply({ ok: true, data: message })
    } catch (error) {
      reply({ ok: false, error: { code: 'internal', message: String(error) } })
    }
  })
  socket.emit('ready', { userId, rooms: rooms.map((id) => ({ id, rev: 0 })) })
})

if (store !== 'none') {
  await mongoose.connect(process.env.MONGODB_URI!)
  await Message.init()
}
http.listen(Number(process.env.PORT), '127.0.0.1')
process.once('SIGTERM', () => process.exit(0))
