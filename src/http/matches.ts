import { z } from 'zod'
import { Match } from '../../models/Match.ts'
import { Profile } from '../../models/Profile.ts'
import { rates } from '../kernel/rate.ts'
import { defineRoute } from './define.ts'
import { flag, listOf, listQuery } from './lists.ts'

const list = defineRoute({
  method: 'get',
  path: '/api/v1/matches',
  tag: 'Matches',
  summary: 'One’s own matches, best first',
  auth: 'user',
  access: { owner: 'the two who match', others: 'nothing' },
  scope: 'profile:read',
  rate: rates.read,
  query: listQuery({ expand: flag().describe('Also gives the profiles of the others') }),
  status: 200,
  answer: listOf(Match.wire).extend({ profiles: z.array(Profile.wire).optional() }),
  handle: ({ actor, services }, { query }) => services.matches.list(actor, query),
})

const refresh = defineRoute({
  method: 'post',
  path: '/api/v1/matches/refresh',
  tag: 'Matches',
  summary: 'Looks for one’s matches anew, and answers the best of them',
  auth: 'user',
  access: { owner: 'the two who match', others: 'nothing' },
  scope: 'profile:read',
  rate: { points: 10, seconds: 60 },
  status: 200,
  answer: listOf(Match.wire).extend({
    scored: z.int().min(0).describe('How many others were looked at closely'),
    kept: z.int().min(0).describe('How many of them are matches'),
    fresh: z.int().min(0).describe('How many of these are new'),
  }),
  async handle({ actor, services }) {
    const counts = await services.matching.refresh(actor.userId)
    return { ...(await services.matches.list(actor, { limit: 50 })), ...counts }
  },
})

export const matchRoutes = [list, refresh]
