import { z } from 'zod'
import { Comment } from '../../models/Comment.ts'
import { Profile } from '../../models/Profile.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { defineRoute } from './define.ts'
import { flag, listOf, listQuery } from './lists.ts'

const tag = 'Comments'
const { targetType, targetId, content } = Comment.spec.fields
const atSeconds = z.number().min(0)
const params = z.object({ id: f.id() })

const list = defineRoute({
  method: 'get',
  path: '/api/v1/comments',
  tag,
  summary: 'The comments on a thing',
  auth: 'optional',
  scope: 'audio:read',
  rate: rates.read,
  query: listQuery({
    targetType,
    targetId,
    sort: z.enum(['newest', 'oldest']).default('newest'),
    expand: flag().describe('Also gives the profiles of the authors'),
  }),
  status: 200,
  answer: listOf(Comment.wire).extend({ profiles: z.array(Profile.wire).optional() }),
  errors: ['not_found'],
  handle: ({ actor, services }, { query }) => services.comments.on(actor, query, query),
})

const counts = defineRoute({
  method: 'get',
  path: '/api/v1/comments/counts',
  tag,
  summary: 'How many comments each of several things has; those not seen are left out',
  auth: 'optional',
  scope: 'audio:read',
  rate: rates.read,
  query: z.object({ targetType, targetIds: z.array(targetId).min(1).max(100) }),
  status: 200,
  answer: z.object({ items: z.array(z.object({ targetId, count: z.int() })) }),
  handle: async ({ actor, services }, { query }) => ({
    items: await services.comments.counts(actor, query.targetType, query.targetIds),
  }),
})

const create = defineRoute({
  method: 'post',
  path: '/api/v1/comments',
  tag,
  summary: 'Comments on a thing, on a recording also at a moment',
  auth: 'user',
  rate: rates.write,
  body: z.object({ targetType, targetId, content, atSeconds: atSeconds.optional() }),
  example: {
    targetType: 'AudioFile',
    targetId: '01HYN91QZAYVNNRH53SJ1KMBCY',
    content: 'The bass comes in late here',
    atSeconds: 42.5,
  },
  status: 201,
  answer: Comment.wire,
  errors: ['not_found'],
  handle: ({ actor, services }, { body }) => services.comments.create(actor, body),
})

const get = defineRoute({
  method: 'get',
  path: '/api/v1/comments/{id}',
  tag,
  summary: 'A comment',
  auth: 'optional',
  scope: 'audio:read',
  rate: rates.read,
  params,
  status: 200,
  answer: Comment.wire,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.comments.get(actor, params.id),
})

const update = defineRoute({
  method: 'patch',
  path: '/api/v1/comments/{id}',
  tag,
  summary: 'Changes one’s own comment; null takes the moment away',
  auth: 'user',
  access: { owner: 'the author', others: 'forbidden' },
  rate: rates.write,
  params,
  body: z.object({ content: content.optional(), atSeconds: atSeconds.nullable().optional() }),
  example: { content: 'The bass comes in early here' },
  status: 200,
  answer: Comment.wire,
  errors: ['not_found'],
  handle: ({ actor, services }, { params, body }) => services.comments.update(actor, params.id, body),
})

const remove = defineRoute({
  method: 'delete',
  path: '/api/v1/comments/{id}',
  tag,
  summary: 'Removes a comment: one’s own, one on a thing of one’s own, or any for who may delete comments',
  auth: 'user',
  access: {
    owner: 'the author, or whose thing it is on',
    others: 'forbidden',
    permission: { action: 'delete', resource: 'Comment' },
  },
  rate: rates.write,
  params,
  status: 204,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.comments.remove(actor, params.id),
})

export const commentRoutes = [list, counts, create, get, update, remove]
