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

export const matchRoutes = [list]
