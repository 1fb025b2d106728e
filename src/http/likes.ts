import { z } from 'zod'
import { Like } from '../../models/Like.ts'
import { rates } from '../kernel/rate.ts'
import { parseInput } from '../kernel/validate.ts'
import { defineRoute } from './define.ts'
import { listOf, listQuery } from './lists.ts'

const tag = 'Likes'
const { targetType, targetId } = Like.spec.fields
const Place = z.object({ targetType, targetId })
const Count = z.object({ count: z.int(), liked: z.boolean().describe('Whether the bearer is among them') })

const list = defineRoute({
  method: 'get',
  path: '/api/v1/likes',
  tag,
  summary: 'The likes of a thing, newest first',
  auth: 'optional',
  scope: 'audio:read',
  rate: rates.read,
  query: listQuery({ targetType, targetId }),
  status: 200,
  answer: listOf(Like.wire),
  errors: ['not_found'],
  handle: ({ actor, services }, { query }) => services.likes.on(actor, query, query),
})

const own = defineRoute({
  method: 'get',
  path: '/api/v1/me/likes',
  tag,
  summary: 'What one likes, newest first',
  auth: 'user',
  access: { owner: 'who likes', others: 'nothing' },
  rate: rates.read,
  query: listQuery({}),
  status: 200,
  answer: listOf(Like.wire),
  handle: ({ actor, services }, { query }) => services.likes.by(actor.userId, query),
})

const count = defineRoute({
  method: 'get',
  path: '/api/v1/likes/count',
  tag,
  summary: 'How many like a thing',
  auth: 'optional',
  scope: 'audio:read',
  rate: rates.read,
  query: Place,
  status: 200,
  answer: Count,
  errors: ['not_found'],
  handle: ({ actor, services }, { query }) => services.likes.count(actor, query),
})

const counts = defineRoute({
  method: 'get',
  path: '/api/v1/likes/counts',
  tag,
  summary: 'How many like each of several things; those not seen are left out',
  auth: 'optional',
  scope: 'audio:read',
  rate: rates.read,
  query: z.object({ targetType, targetIds: z.array(targetId).min(1).max(100) }),
  status: 200,
  answer: z.object({ items: z.array(Count.extend({ targetId })) }),
  handle: async ({ actor, services }, { query }) => ({
    items: await services.likes.counts(actor, query.targetType, query.targetIds),
  }),
})

const put = defineRoute({
  method: 'put',
  path: '/api/v1/likes',
  tag,
  summary: 'Likes a thing; again changes nothing',
  auth: 'user',
  rate: rates.write,
  body: Place,
  example: { targetType: 'AudioFile', targetId: '01HYN91QZAYVNNRH53SJ1KMBCY' },
  status: 200,
  answer: Like.wire,
  errors: ['not_found'],
  handle: ({ actor, services }, { body }) => services.likes.put(actor, body),
})

const remove = defineRoute({
  method: 'delete',
  path: '/api/v1/likes',
  tag,
  summary: 'Takes a like back, named in the body or the query; without one nothing changes',
  auth: 'user',
  access: { owner: 'who likes', others: 'nothing' },
  rate: rates.write,
  query: Place.partial(),
  body: Place.optional(),
  example: { targetType: 'AudioFile', targetId: '01HYN91QZAYVNNRH53SJ1KMBCY' },
  status: 204,
  handle: ({ actor, services }, { query, body }) =>
    services.likes.remove(actor, body ?? parseInput(Place, query, 'query')),
})

export const likeRoutes = [list, own, count, counts, put, remove]
