import { z } from 'zod'
import { Message } from '../../models/Message.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { seqPage } from '../kernel/seq-page.ts'
import { clientId, content, emoji } from '../services/chat/inputs.ts'
import { defineRoute } from './define.ts'
import { clientIdOf } from './idempotency.ts'
import { listOf, listQuery, seqRange } from './lists.ts'

const tag = 'Direct messages'
const params = z.object({ id: f.ref('Message') })

const common = {
  tag,
  auth: 'user',
  scope: 'dms:write',
  rate: rates.write,
  params,
  status: 200,
  answer: Message.wire,
} as const

const list = defineRoute({
  method: 'get',
  path: '/api/v1/messages',
  tag,
  summary: 'The messages with another user: pages ascending by seq, from the newest page back',
  auth: 'user',
  scope: 'dms:read',
  rate: rates.read,
  query: listQuery({ userId: f.ref('User'), ...seqRange }),
  status: 200,
  answer: listOf(Message.wire),
  errors: ['not_found'],
  handle: ({ actor, services }, { query }) =>
    seqPage(query, query, (range) => services.direct.history(actor, query.userId, range)),
})

const send = defineRoute({
  method: 'post',
  path: '/api/v1/messages',
  tag,
  summary: 'Sends a direct message; a repeat with the same clientId or Idempotency-Key stores nothing twice',
  auth: 'user',
  scope: 'dms:write',
  rate: rates.send,
  body: z.object({ userId: f.ref('User'), clientId: clientId.optional(), content }),
  example: { userId: '01HYN8FXZ2W6X8K6YTNPEKXYM7', content: 'Loved the bridge in your last one' },
  status: 201,
  answer: Message.wire,
  errors: ['not_found', 'forbidden', 'conflict'],
  handle: ({ actor, services, http }, { body }) =>
    services.direct.send(actor, body.userId, {
      clientId: clientIdOf(http, body.clientId),
      content: body.content,
    }),
})

const get = defineRoute({
  ...common,
  method: 'get',
  path: '/api/v1/messages/{id}',
  summary: 'A direct message',
  scope: 'dms:read',
  access: { owner: 'either side of the conversation', others: 'not_found' },
  rate: rates.read,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.direct.get(actor, params.id),
})

const edit = defineRoute({
  ...common,
  method: 'patch',
  path: '/api/v1/messages/{id}',
  summary: 'Changes the text of one’s own direct message',
  access: { owner: 'the sender', others: 'not_found' },
  body: z.object({ content }),
  example: { content: 'Loved the bridge in your last one. Can I sing on it?' },
  errors: ['not_found', 'forbidden', 'gone'],
  handle: ({ actor, services }, { params, body }) => services.direct.edit(actor, params.id, body.content),
})

const remove = defineRoute({
  ...common,
  method: 'delete',
  path: '/api/v1/messages/{id}',
  summary: 'Deletes one’s own direct message; its place stays, empty',
  access: { owner: 'the sender', others: 'not_found' },
  errors: ['not_found', 'forbidden'],
  handle: ({ actor, services }, { params }) => services.direct.delete(actor, params.id),
})

const react = defineRoute({
  ...common,
  method: 'put',
  path: '/api/v1/messages/{id}/reactions/{emoji}',
  summary: 'Puts one’s reaction on a direct message',
  access: { owner: 'either side of the conversation', others: 'not_found' },
  params: params.extend({ emoji }),
  errors: ['not_found', 'forbidden', 'gone', 'conflict'],
  handle: ({ actor, services }, { params }) => services.direct.react(actor, params.id, params.emoji, true),
})

const unreact = defineRoute({
  ...common,
  method: 'delete',
  path: '/api/v1/messages/{id}/reactions/{emoji}',
  summary: 'Takes one’s reaction off a direct message',
  access: { owner: 'either side of the conversation', others: 'not_found' },
  params: params.extend({ emoji }),
  errors: ['not_found', 'gone'],
  handle: ({ actor, services }, { params }) => services.direct.react(actor, params.id, params.emoji, false),
})

const conversations = defineRoute({
  method: 'get',
  path: '/api/v1/conversations',
  tag,
  summary: 'One’s conversations, the newest begun first',
  auth: 'user',
  scope: 'dms:read',
  access: { owner: 'either side of the conversation', others: 'nothing' },
  rate: rates.read,
  query: listQuery({ cursor: f.id().optional().describe('The nextCursor of the page before') }),
  status: 200,
  answer: listOf(
    z.object({
      userId: f.ref('User'),
      rev: z.int(),
      readSeq: z.int(),
      unread: z.int(),
      lastMessage: Message.wire.nullable(),
    }),
  ),
  async handle({ actor, services }, { query }) {
    const { items, next } = await services.direct.conversations(actor, query.cursor, query.limit)
    return { items, nextCursor: next }
  },
})

export const messageRoutes = [list, send, get, edit, remove, react, unreact, conversations]
