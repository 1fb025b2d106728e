import type { NotificationDoc } from '../../../models/Notification.ts'
import { Presence } from '../../../models/Presence.ts'
import { Profile } from '../../../models/Profile.ts'
import {
  PushSubscription,
  type PushSubscriptionDoc,
  type PushSubscriptionWire,
} from '../../../models/PushSubscription.ts'
import { Session } from '../../../models/Session.ts'
import type { Database } from '../../infra/mongo.ts'
import type { PushSender } from '../../infra/push-sender.ts'
import type { Actor } from '../../kernel/actor.ts'
import { invalid } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import type { Logger } from '../../kernel/ports.ts'
import type { Jobs } from '../jobs.ts'
import { isDuplicate } from '../shared/duplicates.ts'
import { pageById } from '../shared/pages.ts'
import { type PushJob, pushing } from './notifications.ts'
import { lineOf } from './texts.ts'

/** How many browsers of one user are pushed to; a further one takes the place of the oldest. */
const maxSubscriptions = 20
/** How often one push is tried, and after how many lost ones a browser is given up. */
export const maxPushAttempts = 4
const maxLost = 3
/** How long after somebody was seen here it is looked again: past the grace of presence, in milliseconds. */
const lookAgainMs = 6_000

export interface SubscriptionInput {
  endpoint: string
  keys: { p256dh: string; auth: string }
}

export interface PushesDeps {
  database: Database
  jobs: Jobs
  sender: PushSender
  logger: Logger
}

/** Notifications for browsers that have no page of ours open. */
export function createPushes({ database, jobs, sender, logger }: PushesDeps) {
  const subscriptions = database.collection(PushSubscription)

  /** Whether the log-in that a subscription came with is still good. */
  async function isLive(sessionId: string): Promise<boolean> {
    const session = await database.collection(Session).findOne({ _id: sessionId, revokedAt: null })
    return session !== null && (session.expiresAt === null || session.expiresAt > new Date())
  }

  async function isHere(userId: string): Promise<boolean> {
    const presence = await database.collection(Presence).findOne({ _id: userId }, { projection: { instances: 1 } })
    return (presence?.instances.length ?? 0) > 0
  }

  async function payloadOf(notification: NotificationDoc): Promise<string> {
    const { _id, type, payload } = notification
    const actor = await database
      .collection(Profile)
      .findOne({ userId: String(payload['actorId']) }, { projection: { displayName: 1 } })
    const ids = Object.fromEntries(Object.entries(payload).filter(([, value]) => typeof value === 'string'))
    return JSON.stringify({ id: _id, type, text: lineOf(notification, actor?.displayName), payload: ids })
  }

  /** Another push was lost: a browser that loses one after the other is given up. */
  async function lose(subscription: PushSubscriptionDoc) {
    const left = await subscriptions.findOneAndUpdate(
      { _id: subscription._id },
      { $inc: { lost: 1 } },
      { returnDocument: 'after', projection: { lost: 1 } },
    )
    if ((left?.lost ?? 0) >= maxLost) await subscriptions.deleteOne({ _id: subscription._id, lost: { $gte: maxLost } })
  }

  return {
    publicKey: sender.publicKey,

    /**
     * A browser takes pushes for the actor from now on, as long as the log-in lasts; the same browser again is the same
     * subscription, also of another user. Throws `invalid` for an endpoint that is not https on the open net.
     */
    async subscribe(actor: Actor, { endpoint, keys }: SubscriptionInput): Promise<PushSubscriptionWire> {
      if (!sender.accepts(endpoint)) throw invalid('must be an https address on the open net', 'endpoint')
      const { userId, sessionId } = actor
      const write = () =>
        subscriptions.findOneAndUpdate(
          { endpoint },
          {
            $set: { userId, sessionId, p256dh: keys.p256dh, auth: keys.auth, lost: 0 },
            $setOnInsert: { _id: newId(), createdAt: new Date() },
          },
          { upsert: true, returnDocument: 'after' },
        )
      // Of two at once the later is a change.
      const stored = await write().catch((error) => (isDuplicate(error) ? write() : Promise.reject(error)))
      const old = await subscriptions
        .find({ userId }, { projection: { _id: 1 } })
        .sort({ _id: -1 })
        .skip(maxSubscriptions)
        .limit(100)
        .toArray()
      if (old.length > 0) await subscriptions.deleteMany({ _id: { $in: old.map(({ _id }) => _id) }, userId })
      return PushSubscription.toWire(stored!)
    },

    /** Takes a browser's subscription back; without one nothing changes. */
    async unsubscribe(actor: Actor, endpoint: string): Promise<void> {
      await subscriptions.deleteOne({ endpoint, userId: actor.userId })
    },

    /** One's subscriptions, newest first. */
    async list(actor: Actor, { limit, cursor }: PageRequest): Promise<Page<PushSubscriptionWire>> {
      return pageById(subscriptions, { userId: actor.userId }, { limit, cursor }, (subscription) =>
        PushSubscription.toWire(subscription),
      )
    },

    /**
     * Pushes a notification to a browser, unless it was read, or its user is connected now and was a moment later.
     * Subscriptions that the push service does not know any more go. Throws where it can be tried again.
     */
    async send(
      { subscriptionId, isSecondLook }: PushJob,
      notification: NotificationDoc | null,
      attempt: number,
    ): Promise<void> {
      if (!notification || notification.isRead || notification.mailOnly) return
      const subscription = (await subscriptions.findOne({ _id: subscriptionId })) as PushSubscriptionDoc | null
      if (!subscription || subscription.userId !== notification.userId) return
      if (await isHere(subscription.userId)) {
        // Who has just closed the last page counts as connected for some seconds.
        if (isSecondLook) return
        const again: PushJob = { notificationId: notification._id, subscriptionId, isSecondLook: true }
        await jobs.enqueue(pushing, again, { delayMs: lookAgainMs })
        return
      }
      const drop = (why: string) => {
        logger.info({ subscriptionId, why }, 'a push subscription is over')
        return subscriptions.deleteOne({ _id: subscriptionId, endpoint: subscription.endpoint })
      }
      if (!(await isLive(subscription.sessionId))) return void (await drop('its session has ended'))
      if (!sender.accepts(subscription.endpoint)) return void (await drop('its endpoint is not acceptable'))
      let status: number
      try {
        status = await sender.send(subscription, await payloadOf(notification))
      } catch (error) {
        if (attempt < maxPushAttempts) throw error
        logger.warn({ err: error, subscriptionId }, 'a push could not be sent')
        return lose(subscription)
      }
      if (status === 404 || status === 410) return void (await drop(`the push service answered ${status}`))
      if (status >= 200 && status < 300) {
        if (subscription.lost > 0) await subscriptions.updateOne({ _id: subscriptionId }, { $set: { lost: 0 } })
        return
      }
      const canRetry = status === 429 || status >= 500
      if (canRetry && attempt < maxPushAttempts) throw new Error(`the push service answered ${status}`)
      logger.warn({ status, subscriptionId }, 'a push service refused a push')
      await lose(subscription)
    },
  }
}

export type Pushes = ReturnType<typeof createPushes>
