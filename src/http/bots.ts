import { z } from 'zod'
import { BotScope } from '../../models/Bot.ts'
import { scopes } from '../kernel/actor.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { originOf } from './auth.ts'
import { defineRoute } from './define.ts'
import { listOf, listQuery } from './lists.ts'

const tag = 'Bots'

const BotView = z.object({ id: f.id(), userId: f.ref('User'), name: z.string(), scopes: z.array(BotScope) })
const BotWithToken = z.object({ bot: BotView, token: z.string().describe('Shown this once; never expires') })
const params = z.object({ id: f.id() })

const create = defineRoute({
  method: 'post',
  path: '/api/v1/bots',
  tag,
  summary: 'Makes a bot: a user of its own, with a token for the scopes given',
  auth: 'user',
  rate: rates.costly,
  body: z.object({ name: f.name(80), scopes: z.array(BotScope).max(scopes.length) }),
  example: { name: 'Metronome', scopes: ['rooms:read', 'rooms:write'] },
  status: 201,
  answer: BotWithToken,
  errors: ['conflict'],
  handle: ({ actor, services, http }, { body }) => services.accounts.bots.create(actor, body, originOf(http)),
})

const list = defineRoute({
  method: 'get',
  path: '/api/v1/bots',
  tag,
  summary: 'One’s own bots, newest first',
  auth: 'user',
  access: { owner: 'who made the bot', others: 'nothing' },
  rate: rates.read,
  query: listQuery({}),
  status: 200,
  answer: listOf(BotView),
  handle: ({ actor, services }, { query }) => services.accounts.bots.list(actor, query),
})

const remove = defineRoute({
  method: 'delete',
  path: '/api/v1/bots/{id}',
  tag,
  summary: 'Removes a bot and revokes its token',
  auth: 'user',
  access: { owner: 'who made the bot', others: 'not_found' },
  rate: rates.write,
  params,
  status: 204,
  errors: ['not_found'],
  handle: ({ actor, services, http }, { params }) => services.accounts.bots.remove(actor, params.id, originOf(http)),
})

const renewToken = defineRoute({
  method: 'post',
  path: '/api/v1/bots/{id}/token',
  tag,
  summary: 'Gives a bot a new token, and revokes the one before',
  auth: 'user',
  access: { owner: 'who made the bot', others: 'not_found' },
  rate: rates.costly,
  params,
  status: 201,
  answer: BotWithToken,
  errors: ['not_found'],
  handle: ({ actor, services, http }, { params }) =>
    services.accounts.bots.renewToken(actor, params.id, originOf(http)),
})

export const botRoutes = [create, list, remove, renewToken]
