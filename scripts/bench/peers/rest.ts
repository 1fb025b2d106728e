/**
 * The three handlers of `npm run bench:rest` as one would write them in an afternoon: no accounts, no rights, no limits.
 * FRAMEWORK is hono or fastify, STORE is native or mongoose.
 */
import { serve } from '@hono/node-server'
import Fastify from 'fastify'
import { Hono } from 'hono'
import mongoose, { Schema } from 'mongoose'

const { FRAMEWORK, STORE, MONGODB_URI, PORT } = process.env
await mongoose.connect(MONGODB_URI!, { writeConcern: { w: 'majority', j: true } })
const db = mongoose.connection.db!

const loose = (collection: string, indexes: Record<string, 1 | -1>, unique = false) => {
  const schema = new Schema({ _id: String }, { strict: false, collection, versionKey: false, autoIndex: true })
  schema.index(indexes, { unique })
  return mongoose.model(collection, schema)
}
const Profile = loose('profiles', { userId: 1 })
const Message = loose('messages', { chatRoomId: 1, seq: -1 })
const Like = loose('likes', { targetType: 1, targetId: 1, userId: 1 }, true)
await Promise.all([Profile.init(), Message.init(), Like.init()])

const native = {
  profile: (userId: string) => db.collection('profiles').findOne({ userId }),
  messages: (chatRoomId: string) =>
    db.collection('messages').find({ chatRoomId }).sort({ seq: -1 }).limit(50).toArray(),
  like: (like: { userId: string; targetType: string; targetId: string }) =>
    db
      .collection('likes')
      .updateOne(
        like,
        { $setOnInsert: { createdAt: new Date() } },
        { upsert: true, writeConcern: { w: 'majority', journal: true } },
      ),
}
const odm: typeof native = {
  profile: (userId) => Profile.findOne({ userId }).lean() as never,
  messages: (chatRoomId) => Message.find({ chatRoomId }).sort({ seq: -1 }).limit(50).lean() as never,
  like: (like) => Like.updateOne(like, { $setOnInsert: { createdAt: new Date() } }, { upsert: true }) as never,
}
const store = STORE === 'native' ? native : odm

type LikeBody = { targetType: string; targetId: string }
const port = Number(PORT)
if (FRAMEWORK === 'fastify') {
  const app = Fastify()
  app.get('/readyz', async () => ({ ok: true }))
  app.get<{ Params: { id: string } }>('/api/v1/users/:id/profile', (request) => store.profile(request.params.id))
  app.get<{ Params: { id: string } }>('/api/v1/chat-rooms/:id/messages', async (request) => ({
    items: await store.messages(request.params.id),
    nextCursor: null,
  }))
  app.put<{ Body: LikeBody }>('/api/v1/likes', async (request) => {
    const { targetType, targetId } = request.body
    await store.like({ userId: 'user', targetType, targetId })
    return { liked: true }
  })
  await app.listen({ port, host: '127.0.0.1' })
} else {
  const app = new Hono()
  app.get('/readyz', (c) => c.json({ ok: true }))
  app.get('/api/v1/users/:id/profile', async (c) => c.json((await store.profile(c.req.param('id'))) as object))
  app.get('/api/v1/chat-rooms/:id/messages', async (c) =>
    c.json({ items: await store.messages(c.req.param('id')), nextCursor: null }),
  )
  app.put('/api/v1/likes', async (c) => {
    const { targetType, targetId } = await c.req.json<LikeBody>()
    await store.like({ userId: 'user', targetType, targetId })
    return c.json({ liked: true })
  })
  serve({ fetch: app.fetch, port, hostname: '127.0.0.1' })
}
