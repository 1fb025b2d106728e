import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

const base64url = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[A-Za-z0-9_-]+={0,2}$/, 'must be base64url')

/** Where a browser takes pushes for a user (W3C Push API); whoever knows the endpoint can send to it. */
export const PushSubscription = defineEntity('PushSubscription', {
  description: 'A browser that takes notifications while no page of it is open',
  archive: { leftOut: 'it ends with its log-in, and another key would sign' },
  collection: 'pushsubscriptions',
  fields: {
    id: f.id(),
    userId: f.ref('User', 'cascade'),
    endpoint: f.uri(),
    createdAt: f.time(),
  },
  stored: {
    /** The log-in that it came with: it ends with that. */
    sessionId: f.ref('Session', 'cascade'),
    /** The browser's public key (P-256) and secret, for encryption (RFC 8291). */
    p256dh: base64url(200),
    auth: base64url(100),
    /** Pushes lost one after the other. */
    lost: z.int().min(0).default(0),
  },
  indexes: [
    { keys: { sessionId: 1 }, serves: 'what ends with a log-in' },
    { keys: { endpoint: 1 }, options: { unique: true }, serves: 'a browser’s subscription; one each' },
    { keys: { userId: 1, _id: -1 }, serves: 'where a user is pushed to' },
  ],
})
export type PushSubscriptionDoc = Stored<typeof PushSubscription>
export type PushSubscriptionWire = Wire<typeof PushSubscription>
