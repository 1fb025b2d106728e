import { z } from 'zod'
import { ChatRoom, RoomRole } from '../../models/ChatRoom.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { Invited, RoomChange, RoomInput } from '../services/chat/inputs.ts'
import { defineRoute } from './define.ts'
import { listOf, listQuery } from './lists.ts'

const tag = 'Chat rooms'
const params = z.object({ id: f.ref('ChatRoom') })
const memberParams = z.object({ id: f.ref('ChatRoom'), userId: f.ref('User') })

const list = defineRoute({
  method: 'get',
  path: '/api/v1/chat-rooms',
  tag,
  summary: 'One’s own rooms, or the public ones, newest first',
  auth: 'user',
  scope: 'rooms:read',
  access: { owner: 'a member of the room, or anybody where it is public', others: 'nothing' },
  rate: rates.read,
  query: listQuery({
    visibility: z.enum(['public']).optional().describe('All public rooms instead of one’s own'),
    q: f.text(1, 200).optional().describe('Words of the name or topic; for public rooms'),
  }).refine(({ q, visibility }) => q === undefined || visibility === 'public', {
    path: ['q'],
    message: 'goes with visibility=public',
  }),
  status: 200,
  answer: listOf(ChatRoom.wire),
  handle: ({ actor, services }, { query }) => services.rooms.list(actor, query, query),
})

const create = defineRoute({
  method: 'post',
  path: '/api/v1/chat-rooms',
  tag,
  summary: 'Makes a room, with its maker as owner',
  auth: 'user',
  scope: 'rooms:write',
  rate: rates.write,
  body: RoomInput,
  example: { name: 'Late night jam', visibility: 'public', topic: 'Bring your own reverb' },
  status: 201,
  answer: ChatRoom.wire,
  errors: ['not_found', 'forbidden', 'conflict'],
  handle: ({ actor, services }, { body }) => services.rooms.create(actor, body),
})

const get = defineRoute({
  method: 'get',
  path: '/api/v1/chat-rooms/{id}',
  tag,
  summary: 'A room',
  auth: 'user',
  scope: 'rooms:read',
  access: { owner: 'a member of the room, or anybody where it is public', others: 'not_found' },
  rate: rates.read,
  params,
  status: 200,
  answer: ChatRoom.wire,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.rooms.get(actor, params.id),
})

const update = defineRoute({
  method: 'patch',
  path: '/api/v1/chat-rooms/{id}',
  tag,
  summary: 'Changes the fields given of a room, by an owner or moderator; of a public one also by who moderates rooms',
  auth: 'user',
  scope: 'rooms:write',
  access: {
    owner: 'an owner or moderator of the room',
    others: 'not_found',
    permission: { action: 'moderate', resource: 'ChatRoom' },
  },
  rate: rates.write,
  params,
  body: RoomChange,
  example: { topic: 'Only dub techno tonight', slowModeSeconds: 10 },
  status: 200,
  answer: ChatRoom.wire,
  errors: ['not_found', 'forbidden'],
  handle: ({ actor, services }, { params, body }) => services.rooms.update(actor, params.id, body),
})

const members = defineRoute({
  method: 'get',
  path: '/api/v1/chat-rooms/{id}/members',
  tag,
  summary: 'The members of a room with their roles, by user id',
  auth: 'user',
  scope: 'rooms:read',
  access: { owner: 'a member of the room, or anybody where it is public', others: 'not_found' },
  rate: rates.read,
  params,
  query: listQuery({}),
  status: 200,
  answer: listOf(z.object({ userId: f.ref('User'), role: RoomRole, joinedAt: z.string() })),
  errors: ['not_found'],
  handle: ({ actor, services }, { params, query }) => services.rooms.members(actor, params.id, query),
})

const invite = defineRoute({
  method: 'post',
  path: '/api/v1/chat-rooms/{id}/members',
  tag,
  summary: 'Brings people into a room, by an owner or moderator',
  auth: 'user',
  scope: 'rooms:write',
  access: { owner: 'an owner or moderator of the room', others: 'not_found' },
  rate: rates.write,
  params,
  body: z.object({ userIds: Invited }),
  example: { userIds: ['01HYN8FXZ2W6X8K6YTNPEKXYM7'] },
  status: 200,
  answer: ChatRoom.wire,
  errors: ['not_found', 'forbidden', 'conflict'],
  handle: ({ actor, services }, { params, body }) => services.rooms.invite(actor, params.id, body.userIds),
})

const assignRole = defineRoute({
  method: 'patch',
  path: '/api/v1/chat-rooms/{id}/members/{userId}',
  tag,
  summary: 'Gives a member a role, by an owner',
  auth: 'user',
  scope: 'rooms:write',
  access: { owner: 'an owner of the room', others: 'not_found' },
  rate: rates.write,
  params: memberParams,
  body: z.object({ role: RoomRole }),
  example: { role: 'moderator' },
  status: 200,
  answer: ChatRoom.wire,
  errors: ['not_found', 'forbidden', 'conflict'],
  handle: ({ actor, services }, { params, body }) =>
    services.rooms.assignRole(actor, params.id, params.userId, body.role),
})

const remove = defineRoute({
  method: 'delete',
  path: '/api/v1/chat-rooms/{id}/members/{userId}',
  tag,
  summary: 'Removes a member, by an owner or moderator; for oneself it is leaving',
  auth: 'user',
  scope: 'rooms:write',
  access: { owner: 'an owner or moderator of the room, or who leaves', others: 'not_found' },
  rate: rates.write,
  params: memberParams,
  status: 204,
  errors: ['not_found', 'forbidden'],
  async handle({ actor, services }, { params: { id, userId } }) {
    if (userId === actor.userId) await services.rooms.leave(actor, id)
    else await services.rooms.remove(actor, id, userId)
  },
})

const join = defineRoute({
  method: 'post',
  path: '/api/v1/chat-rooms/{id}/join',
  tag,
  summary: 'Joins a public room; for a member it changes nothing',
  auth: 'user',
  scope: 'rooms:write',
  access: { owner: 'anybody where the room is public', others: 'not_found' },
  rate: rates.write,
  params,
  status: 200,
  answer: ChatRoom.wire,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { params }) => services.rooms.join(actor, params.id),
})

const leave = defineRoute({
  method: 'post',
  path: '/api/v1/chat-rooms/{id}/leave',
  tag,
  summary: 'Leaves a room',
  auth: 'user',
  scope: 'rooms:write',
  access: { owner: 'a member of the room', others: 'not_found' },
  rate: rates.write,
  params,
  status: 200,
  answer: ChatRoom.wire,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.rooms.leave(actor, params.id),
})

export const chatRoomRoutes = [list, create, get, update, members, invite, assignRole, remove, join, leave]
