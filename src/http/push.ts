import { z } from 'zod'
import { PushSubscription } from '../../models/PushSubscription.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { parseInput } from '../kernel/validate.ts'
import { defineRoute } from './define.ts'
import { listOf, listQuery } from './lists.ts'

const tag = 'Notifications'
const access = { owner: 'the user of the browser', others: 'nothing' } as const
const bytes = (length: number, what: string) =>
  z
    .string()
    .max(200)
    .regex(/^[A-Za-z0-9_-]+={0,2}$/, 'must be base64url')
    .refine((text) => Buffer.from(text, 'base64url').length === length, what)
const Endpoint = z.object({ endpoint: f.uri() })

const publicKey = defineRoute({
  method: 'get',
  path: '/api/v1/push/public-key',
  tag,
  summary: 'The key that pushes are signed with: a browser’s `applicationServerKey`',
  auth: 'none',
  rate: rates.read,
  status: 200,
  answer: z.object({ publicKey: z.string() }),
  handle: async ({ services }) => ({ publicKey: services.pushes.publicKey }),
})

const list = defineRoute({
  method: 'get',
  path: '/api/v1/me/push-subscriptions',
  tag,
  summary: 'The browsers that take one’s notifications, newest first',
  auth: 'user',
  access,
  rate: rates.read,
  query: listQuery({}),
  status: 200,
  answer: listOf(PushSubscription.wire),
  handle: ({ actor, services }, { query }) => services.pushes.list(actor, query),
})

const subscribe = defineRoute({
  method: 'post',
  path: '/api/v1/me/push-subscriptions',
  tag,
  summary: 'A browser takes one’s notifications while no page is open: its PushSubscription as JSON',
  auth: 'user',
  rate: rates.write,
  body: z.object({
    endpoint: f.uri(),
    expirationTime: z.number().nullable().optional(),
    keys: z.object({
      p256dh: bytes(65, 'must be an uncompressed P-256 key'),
      auth: bytes(16, 'must be 16 bytes'),
    }),
  }),
  example: {
    endpoint: 'https://push.example.com/send/abc',
    expirationTime: null,
    keys: {
      p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
      auth: 'BTBZMqHH6r4Tts7J_aSIgg',
    },
  },
  status: 201,
  answer: PushSubscription.wire,
  handle: ({ actor, services }, { body }) => services.pushes.subscribe(actor, body),
})

const unsubscribe = defineRoute({
  method: 'delete',
  path: '/api/v1/me/push-subscriptions',
  tag,
  summary: 'A browser takes no notifications any more, named by its endpoint in the body or the query',
  auth: 'user',
  access,
  rate: rates.write,
  query: Endpoint.partial(),
  body: Endpoint.optional(),
  example: { endpoint: 'https://push.example.com/send/abc' },
  status: 204,
  handle: ({ actor, services }, { query, body }) =>
    services.pushes.unsubscribe(actor, (body ?? parseInput(Endpoint, query, 'query')).endpoint),
})

export const pushRoutes = [publicKey, list, subscribe, unsubscribe]
