import type { AnyEmission, AnyEvent } from '../kernel/event.ts'
import { errorStatus } from '../kernel/errors.ts'
import { toJsonSchema } from '../kernel/schema.ts'

type Json = Record<string, any>

const errorSchema = {
  type: 'object',
  required: ['code', 'message'],
  properties: {
    code: { type: 'string', enum: Object.keys(errorStatus) },
    message: { type: 'string' },
    details: {
      type: 'array',
      items: { type: 'object', properties: { path: { type: 'string' }, message: { type: 'string' } } },
    },
    retryAfterMs: { type: 'integer' },
  },
}

/** An ack's type is described with the event that it answers, as Socket.IO sends it: `{ok, data}` or `{ok, error}`. */
const ackSchema = (data: Json): Json => ({
  oneOf: [
    { type: 'object', required: ['ok', 'data'], properties: { ok: { const: true }, data } },
    {
      type: 'object',
      required: ['ok', 'error'],
      properties: { ok: { const: false }, error: { $ref: '#/components/schemas/Error' } },
    },
  ],
})

/** The AsyncAPI 3 document of the socket events, derived from their declarations. */
export function asyncApi(
  events: readonly AnyEvent<any>[],
  emissions: readonly AnyEmission[],
  { version, publicUrl }: { version: string; publicUrl: string },
): object {
  const schemas: Json = { Error: errorSchema }
  const messages: Json = {}
  const operations: Json = {}
  const place = (name: string) => name.replaceAll(':', '.')

  for (const event of events) {
    const key = place(event.name)
    messages[key] = {
      name: event.name,
      title: event.name,
      summary: event.summary,
      payload: toJsonSchema(event.payload, schemas),
    }
    messages[`${key}.ack`] = {
      name: `${event.name} (ack)`,
      title: `Ack of ${event.name}`,
      payload: ackSchema(toJsonSchema(event.ack, schemas)),
    }
    operations[`receive.${key}`] = {
      action: 'receive',
      channel: { $ref: '#/channels/socket' },
      summary: event.summary,
      messages: [{ $ref: `#/channels/socket/messages/${key}` }],
      reply: {
        channel: { $ref: '#/channels/socket' },
        messages: [{ $ref: `#/channels/socket/messages/${key}.ack` }],
      },
      'x-scope': event.scope ?? 'people only',
      'x-rate': `${event.rate.points} in ${event.rate.seconds} s`,
    }
  }
  for (const emission of emissions) {
    const key = `server.${place(emission.name)}`
    messages[key] = {
      name: emission.name,
      title: emission.name,
      summary: emission.summary,
      payload: toJsonSchema(emission.payload, schemas),
    }
    operations[`send.${place(emission.name)}`] = {
      action: 'send',
      channel: { $ref: '#/channels/socket' },
      summary: emission.summary,
      messages: [{ $ref: `#/channels/socket/messages/${key}` }],
    }
  }
  const { host, protocol } = new URL(publicUrl)
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Phantom Power sockets',
      version,
      description:
        'Socket.IO 4 events on the namespace `/`. Clients connect with `auth: {token}`; the server answers each event with one ack.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    servers: {
      here: {
        host,
        protocol: protocol === 'https:' ? 'wss' : 'ws',
        pathname: '/socket.io/',
        security: [{ $ref: '#/components/securitySchemes/token' }],
      },
    },
    channels: {
      socket: {
        address: '/',
        title: 'The Socket.IO namespace /',
        messages: Object.fromEntries(Object.keys(messages).map((key) => [key, { $ref: `#/components/messages/${key}` }])),
      },
    },
    operations,
    components: {
      schemas,
      messages,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'An access token or a bot’s token, as `auth: {token}` of the handshake' },
      },
    },
  }
}

