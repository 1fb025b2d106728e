import { z } from 'zod'
import { ChatMessage } from '../../models/ChatMessage.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { seqPage } from '../kernel/seq-page.ts'
import { clientId, content, emoji, MessageInput } from '../services/chat/inputs.ts'
import { defineRoute } from './define.ts'
import { clientIdOf } from './idempotency.ts'
import { listOf, listQuery, seqRange } from './lists.ts'

const tag = 'Chat rooms'
const inRoom = z.object({ id: f.ref('ChatRoom') })
const params = z.object({ id: f.ref('ChatRoom'), messageId: f.ref('ChatMessage') })
const withEmoji = params.extend({ emoji })

const common = {
  tag,
  auth: 'user',
  scope: 'rooms:write',
  rate: rates.write,
  params,
  status: 200,
  answer: ChatMessage.wire,
} as const

const list = defineRoute({
  method: 'get',
  path: '/api/v1/chat-rooms/{id}/messages',
  tag,
  summary: 'The messages of a room: pages ascending by seq, from the newest page back',
  auth: 'user',
  scope: 'rooms:read',
  access: { owner: 'a member of the room', others: 'not_found' },
  rate: rates.read,
  params: inRoom,
  query: listQuery({ ...seqRange, pinned: z.enum(['true', 'false']).optional().describe('Pinned ones alone') }),
  status: 200,
  answer: listOf(ChatMessage.wire),
  errors: ['not_found', 'forbidden'],
  handle: ({ actor, services }, { params, query }) =>
    seqPage(query, query, (range) =>
      services.messages.history(actor, params.id, { ...range, pinned: query.pinned === 'true' }),
    ),
})

const send = defineRoute({
  method: 'post',
  path: '/api/v1/chat-rooms/{id}/messages',
  tag,
  summary: 'Sends a message; a repeat with the same clientId or Idempotency-Key stores nothing twice',
  auth: 'user',
  scope: 'rooms:write',
  access: { owner: 'a member of the room', others: 'not_found' },
  rate: rates.send,
  params: inRoom,
  body: MessageInput.extend({ clientId: clientId.optional() }),
  example: { content: 'Who has the stems?' },
  status: 201,
  answer: ChatMessage.wire,
  errors: ['not_found', 'forbidden', 'conflict'],
  handle: ({ actor, services, http }, { params, body }) =>
    services.messages.send(actor, params.id, { ...body, clientId: clientIdOf(http, body.clientId) }),
})

const get = defineRoute({
  ...common,
  method: 'get',
  path: '/api/v1/chat-rooms/{id}/messages/{messageId}',
  summary: 'A message of a room',
  scope: 'rooms:read',
  access: { owner: 'a member of the room', others: 'not_found' },
  rate: rates.read,
  errors: ['not_found'],
  handle: ({ actor, services }, { params: { id, messageId } }) => services.messages.get(actor, messageId, id),
})

const edit = defineRoute({
  ...common,
  method: 'patch',
  path: '/api/v1/chat-rooms/{id}/messages/{messageId}',
  summary: 'Changes the text of one’s own message',
  access: { owner: 'the sender', others: 'not_found' },
  body: z.object({ content }),
  example: { content: 'Who has the stems? I need them by Friday.' },
  errors: ['not_found', 'forbidden', 'gone'],
  handle: ({ actor, services }, { params: { id, messageId }, body }) =>
    services.messages.edit(actor, messageId, body.content, id),
})

const remove = defineRoute({
  ...common,
  method: 'delete',
  path: '/api/v1/chat-rooms/{id}/messages/{messageId}',
  summary: 'Deletes a message; its place stays, empty',
  access: {
    owner: 'the sender, or an owner or moderator of the room',
    others: 'not_found',
    permission: { action: 'delete', resource: 'ChatMessage' },
  },
  errors: ['not_found', 'forbidden'],
  handle: ({ actor, services }, { params: { id, messageId } }) => services.messages.delete(actor, messageId, id),
})

const react = defineRoute({
  ...common,
  method: 'put',
  path: '/api/v1/chat-rooms/{id}/messages/{messageId}/reactions/{emoji}',
  summary: 'Puts one’s reaction on a message',
  access: { owner: 'a member of the room', others: 'not_found' },
  params: withEmoji,
  errors: ['not_found', 'gone', 'conflict'],
  handle: ({ actor, services }, { params: { id, messageId, emoji } }) =>
    services.messages.react(actor, messageId, emoji, true, id),
})

const unreact = defineRoute({
  ...common,
  method: 'delete',
  path: '/api/v1/chat-rooms/{id}/messages/{messageId}/reactions/{emoji}',
  summary: 'Takes one’s reaction off a message',
  access: { owner: 'a member of the room', others: 'not_found' },
  params: withEmoji,
  errors: ['not_found', 'gone'],
  handle: ({ actor, services }, { params: { id, messageId, emoji } }) =>
    services.messages.react(actor, messageId, emoji, false, id),
})

const pin = defineRoute({
  ...common,
  method: 'put',
  path: '/api/v1/chat-rooms/{id}/messages/{messageId}/pin',
  summary: 'Pins a message',
  access: { owner: 'a member of the room', others: 'not_found' },
  errors: ['not_found', 'gone'],
  handle: ({ actor, services }, { params: { id, messageId } }) => services.messages.pin(actor, messageId, true, id),
})

const unpin = defineRoute({
  ...common,
  method: 'delete',
  path: '/api/v1/chat-rooms/{id}/messages/{messageId}/pin',
  summary: 'Unpins a message',
  access: { owner: 'a member of the room', others: 'not_found' },
  errors: ['not_found', 'gone'],
  handle: ({ actor, services }, { params: { id, messageId } }) => services.messages.pin(actor, messageId, false, id),
})

export const roomMessageRoutes = [list, send, get, edit, remove, react, unreact, pin, unpin]
