import { z } from 'zod'
import { Profile } from '../../models/Profile.ts'
import { UserFollow } from '../../models/UserFollow.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { defineRoute } from './define.ts'
import { flag, listOf, listQuery } from './lists.ts'

const tag = 'Follows'
const params = z.object({ userId: f.ref('User') })
const query = listQuery({ expand: flag().describe('Also gives the profiles of the users') })
const answer = listOf(UserFollow.wire).extend({ profiles: z.array(Profile.wire).optional() })

const put = defineRoute({
  method: 'put',
  path: '/api/v1/follows/{userId}',
  tag,
  summary: 'Follows a user; again changes nothing',
  auth: 'user',
  rate: rates.write,
  params,
  status: 200,
  answer: UserFollow.wire,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.follows.put(actor, params.userId),
})

const remove = defineRoute({
  method: 'delete',
  path: '/api/v1/follows/{userId}',
  tag,
  summary: 'Follows a user no more; one who is not followed stays so',
  auth: 'user',
  rate: rates.write,
  params,
  status: 204,
  handle: ({ actor, services }, { params }) => services.follows.remove(actor, params.userId),
})

const followers = defineRoute({
  method: 'get',
  path: '/api/v1/users/{userId}/followers',
  tag,
  summary: 'Who follows a user, newest first',
  auth: 'user',
  scope: 'profile:read',
  rate: rates.read,
  params,
  query,
  status: 200,
  answer,
  errors: ['not_found'],
  handle: ({ services }, { params, query }) => services.follows.list(params.userId, 'followers', query),
})

const following = defineRoute({
  method: 'get',
  path: '/api/v1/users/{userId}/following',
  tag,
  summary: 'Whom a user follows, newest first',
  auth: 'user',
  scope: 'profile:read',
  rate: rates.read,
  params,
  query,
  status: 200,
  answer,
  errors: ['not_found'],
  handle: ({ services }, { params, query }) => services.follows.list(params.userId, 'following', query),
})

const counts = defineRoute({
  method: 'get',
  path: '/api/v1/users/{userId}/follow-counts',
  tag,
  summary: 'How many follow a user and are followed, and whether the bearer is among them',
  auth: 'user',
  scope: 'profile:read',
  rate: rates.read,
  params,
  status: 200,
  answer: z.object({
    followers: z.int(),
    following: z.int(),
    isFollowed: z.boolean().describe('Whether the bearer follows the user'),
    isFollower: z.boolean().describe('Whether the user follows the bearer'),
  }),
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.follows.counts(actor, params.userId),
})

export const followRoutes = [put, remove, followers, following, counts]
