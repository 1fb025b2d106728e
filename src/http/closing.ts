import { Readable } from 'node:stream'
import { z } from 'zod'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { PasswordGuess } from '../services/accounts/passwords.ts'
import { defineRoute } from './define.ts'

const closeOwn = defineRoute({
  method: 'delete',
  path: '/api/v1/me',
  tag: 'Accounts',
  summary: 'Closes one’s account for good: what was said to others stays without a name, all else is deleted',
  auth: 'user',
  rate: rates.costly,
  body: z.object({ password: PasswordGuess.describe('Once more, for there is no way back') }),
  example: { password: 'correct horse battery staple' },
  status: 204,
  errors: ['conflict'],
  async handle({ actor, services }, { body }) {
    await services.accounts.recovery.confirmPassword(actor.userId, body.password)
    await services.closing.close(actor.userId, actor)
  },
})

const close = defineRoute({
  method: 'delete',
  path: '/api/v1/users/{id}',
  tag: 'Accounts',
  summary: 'Closes a user’s account as they could themself',
  auth: 'admin',
  rate: rates.write,
  params: z.object({ id: f.ref('User') }),
  status: 204,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { params }) => services.closing.close(params.id, actor),
})

const exportOwn = defineRoute({
  method: 'get',
  path: '/api/v1/me/export',
  tag: 'Accounts',
  summary: 'All that is one’s own as a zip: JSON of every kind of thing, and the files',
  auth: 'user',
  rate: { points: 10, seconds: 3600 },
  status: 200,
  raw: { answers: { 200: { description: 'The archive, made as it is sent', types: ['application/zip'] } } },
  async handle({ actor, services, http }) {
    const headers = {
      'Content-Type': 'application/zip',
      'Content-Disposition': 'attachment; filename="phantom-power-export.zip"',
      'Cache-Control': 'no-store',
    }
    if (http.method === 'HEAD') return new Response(null, { headers })
    return new Response(Readable.toWeb(services.export.open(actor.userId)) as ReadableStream, { headers })
  },
})

export const closingRoutes = [closeOwn, close, exportOwn]
